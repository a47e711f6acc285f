/*
 * wireless_input.h - AddWiFiSettings' and UpdateWiFiSettings' input, and what firmware refuses in it.
 */
#ifndef SIMULATOR_WIRELESS_INPUT_H
#define SIMULATOR_WIRELESS_INPUT_H

#include "class.h"

#define PROFILE_PREFIX "Intel(r) AMT:WiFi Endpoint Settings "

enum { /* ReturnValues of CIM methods */
       RESULT_NOT_SUPPORTED = 1,
       RESULT_INVALID_PARAMETER = 3,
       RESULT_INVALID_REFERENCE = 4,
       RESULT_AMT = 32768, /* plus PT_STATUS */
};

/* Into a blank profile. old: the one to be replaced, NULL for a new one. A fault may be set in call. */
uint32_t wireless_input_read(struct call *call, const xmlNode *input, const struct wifi_profile *old,
                             struct wifi_profile *profile);

/* class_wireless.c */
struct wifi_profile *wireless_profile_find(struct device *device, const char *name);
bool wireless_priority_taken(const struct device *device, uint32_t priority,
                             const struct wifi_profile *except);

#endif
