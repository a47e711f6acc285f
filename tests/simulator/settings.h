/*
 * settings.h - what can be set on a computer by name: in the fleet file and by the control command "set".
 */
#ifndef SIMULATOR_SETTINGS_H
#define SIMULATOR_SETTINGS_H

#include "device.h"

/* An empty value of a text means none. */
bool setting_apply(struct device *device, const char *name, const char *value, struct error *err) MUST_CHECK;
/* "sha256:HEX" with ",inactive" and ",custom" behind it. */
bool setting_add_hash(struct device *device, const char *value, struct error *err) MUST_CHECK;

#endif
