/*
 * service_asset.c - the table of the computer itself: HardwareAsset.
 */
#include "service.h"

#include <string.h>

/* By the order of the types in the schema [inferred]. */
enum { ASSET_COMPUTER_SYSTEM = 3, ASSET_FIRST = 2, ASSET_LAST = 9 };

enum { ASSET_VERSION = 1, ASSET_TEXT_ROOM = 65 };

/* A version, four texts of fixed length, and the UUID as SMBIOS has it. */
struct computer_table {
    unsigned char version[4];
    char manufacturer[ASSET_TEXT_ROOM], product[ASSET_TEXT_ROOM], model[ASSET_TEXT_ROOM],
        serial[ASSET_TEXT_ROOM];
    unsigned char uuid[UUID_LENGTH];
};

static void fill(struct computer_table *table, const struct device *device)
{
    *table = (struct computer_table){ .version = { ASSET_VERSION },
                                      .manufacturer = "Simulated",
                                      .product = "Simulated computer",
                                      .model = "1",
                                      .serial = "none" };
    memcpy(table->uuid, device->uuid, UUID_LENGTH);
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_WRONG_UUID, "HardwareAsset.GetAssetData"))
        table->uuid[UUID_LENGTH - 1] ^= 0xFF;
}

static uint32_t enumerate_types(struct call *call, const xmlNode *input, struct text *out)
{
    (void)call;
    (void)input;
    write_number(out, "Count", 1);
    text_append(out, "<g:AssetTypes>");
    write_number(out, "AssetType", ASSET_COMPUTER_SYSTEM);
    text_append(out, "</g:AssetTypes>");
    return AMT_SUCCESS;
}

/* Of a type that is known but not there: an empty list. */
static uint32_t get_data(struct call *call, const xmlNode *input, struct text *out)
{
    struct computer_table table;
    uint32_t type;

    if (!value_number(input, "AssetType", &type) || type < ASSET_FIRST || type > ASSET_LAST)
        return AMT_INVALID_PARAMETER;
    write_number(out, "Count", type == ASSET_COMPUTER_SYSTEM);
    text_append(out, "<g:AssetData>");
    if (type == ASSET_COMPUTER_SYSTEM) {
        fill(&table, call->device);
        text_append(out, "<g:AssetData>");
        write_number(out, "AssetType", type);
        write_number(out, "AssetSize", sizeof(table));
        write_bytes(out, "AssetData", &table, sizeof(table));
        text_append(out, "</g:AssetData>");
    }
    text_append(out, "</g:AssetData>");
    return AMT_SUCCESS;
}

static const struct member type_wanted[] = { { "AssetType", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };

const struct service_call asset_calls[] = {
    { .name = "EnumerateAssetTypes", .run = enumerate_types, .reads_only = true },
    { .name = "GetAssetData", .run = get_data, .members = type_wanted, .reads_only = true },
    { 0 },
};
