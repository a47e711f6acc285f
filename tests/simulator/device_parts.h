/*
 * device_parts.h - parts of a computer that are emptied alike when it ends and when it is as from the
 * factory.
 */
#ifndef SIMULATOR_DEVICE_PARTS_H
#define SIMULATOR_DEVICE_PARTS_H

#include "device.h"

void device_release_general(struct general_settings *general);
void device_release_ethernet(struct ethernet_settings *ethernet);
void device_clear_trusted_names(struct device *device);
void device_clear_environment(struct device *device);
void device_clear_stores(struct device *device);
void kerberos_forget(struct kerberos_memory *memory);

#endif
