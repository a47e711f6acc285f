/*
 * class_inventory.c - what the computer is: CIM_SoftwareIdentity, CIM_ComputerSystemPackage,
 * CIM_ComputerSystem, AMT_CryptographicCapabilities.
 */
#include "class.h"

#include "encoding.h"

#include <stdio.h>
#include <string.h>

/* ---- versions ---- */

enum version_part { VERSION, BUILD, FIXED };

/* The first one is what a Get without selector returns. */
static const struct {
    const char *id;
    enum version_part part;
    const char *value; /* when fixed */
} software[] = {
    { "AMTApps", VERSION, NULL },
    { "AMT", VERSION, NULL },
    { "Flash", VERSION, NULL },
    { "Netstack", VERSION, NULL },
    { "Recovery Version", VERSION, NULL },
    { "Build Number", BUILD, NULL },
    { "Recovery Build Num", BUILD, NULL },
    { "Sku", FIXED, "16392" },
    { "VendorID", FIXED, "8086" },
    { "Legacy Mode", FIXED, "False" },
};

static unsigned software_count(const struct device *device)
{
    (void)device;
    return LENGTH(software);
}

static void describe_software(struct device *device, unsigned index, struct instance *instance)
{
    char version[VERSION_ROOM];
    const char *build = generation_version(device->generation, version);

    instance_text(instance, "InstanceID", software[index].id);
    instance_flag(instance, "IsEntity", true);
    instance_text(instance, "VersionString",
                  software[index].part == FIXED   ? software[index].value
                  : software[index].part == BUILD ? build
                                                  : version);
}

/* ---- systems ---- */

static unsigned system_count(const struct device *device)
{
    (void)device;
    return 2;
}

static void describe_system(struct device *device, unsigned index, struct instance *instance)
{
    (void)device;
    instance_text(instance, "CreationClassName", "CIM_ComputerSystem");
    instance_text(instance, "ElementName", index ? "Intel(r) AMT Subsystem" : "Managed System");
    instance_number(instance, "EnabledState", 5);
    instance_text(instance, "Name", index ? "Intel(r) AMT" : "ManagedSystem");
    instance_number(instance, "RequestedState", 12);
}

static void describe_package(struct device *device, unsigned index, struct instance *instance)
{
    static const char *const chassis[] = { "CreationClassName", "CIM_Chassis", "Tag", "CIM_Chassis", NULL };
    static const char *const system[] = { "CreationClassName", "CIM_ComputerSystem", "Name", "ManagedSystem",
                                          NULL };
    unsigned char uuid[UUID_LENGTH];
    struct text guid = { 0 };

    (void)index;
    memcpy(uuid, device->uuid, UUID_LENGTH);
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_WRONG_UUID, "CIM_ComputerSystemPackage.Get"))
        uuid[UUID_LENGTH - 1] ^= 0xFF;
    hex_append_upper(&guid, uuid, UUID_LENGTH);
    instance_reference(instance, "Antecedent", SCHEMA_CIM, "CIM_Chassis", chassis);
    instance_reference(instance, "Dependent", SCHEMA_CIM, "CIM_ComputerSystem", system);
    instance_text(instance, "PlatformGUID", guid.bytes);
    text_release(&guid);
}

static void describe_cryptography(struct device *device, unsigned index, struct instance *instance)
{
    (void)device;
    (void)index;
    instance_text(instance, "ElementName", "Intel(r) AMT: Cryptographic Capabilities");
    instance_number(instance, "HardwareAcceleration", 1);
    instance_text(instance, "InstanceID", "Intel(r) AMT: Cryptographic Capabilities 0");
}

#define READABLE .read_realms = MAY(REALM_GENERAL_INFO) | MAY(REALM_HARDWARE_ASSET)

const struct class inventory_classes[] = {
    { .name = "CIM_SoftwareIdentity",
      .schema = SCHEMA_CIM,
      .keys = { "InstanceID" },
      .count = software_count,
      .describe = describe_software,
      READABLE },
    { .name = "CIM_ComputerSystem",
      .schema = SCHEMA_CIM,
      .keys = { "CreationClassName", "Name" },
      .count = system_count,
      .describe = describe_system,
      READABLE },
    { .name = "CIM_ComputerSystemPackage", .schema = SCHEMA_CIM, .describe = describe_package, READABLE },
    { .name = "AMT_CryptographicCapabilities",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .describe = describe_cryptography,
      READABLE },
    { 0 },
};
