#include "computer_line.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/encoding.h"
#include "common/password.h"

enum column {
    COLUMN_SHORT_NAME,
    COLUMN_FQDN,
    COLUMN_UUID,
    COLUMN_MAC,
    COLUMN_MEBX,
    COLUMN_ADMIN,
    COLUMN_LIMIT
};

#define COLUMNS_NEEDED 3

/* RFC 1123 2.1: letters, digits and hyphens, no hyphen at either end, at most 63 characters. */
static bool label_check(const char *label, size_t length, const char *what, struct error *err)
{
    if (length == 0)
        return error_set(err, ERROR_INPUT, "%s has an empty label", what);
    if (length > HOST_NAME_MAX_LENGTH)
        return error_set(err, ERROR_INPUT, "%s: label '%.20s...' has %zu characters; 63 are the limit", what,
                         label, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)label[i];

        if (c > 127 || (!isalnum(c) && c != '-'))
            return error_set(err, ERROR_INPUT,
                             "%s: label '%.*s' has a character other than letters, digits and hyphens", what,
                             (int)length, label);
    }
    if (label[0] == '-' || label[length - 1] == '-')
        return error_set(err, ERROR_INPUT, "%s: label '%.*s' begins or ends with a hyphen", what, (int)length,
                         label);
    return true;
}

bool fqdn_check(const char *text, char out[FQDN_SIZE], struct error *err)
{
    size_t length = strlen(text), labels = 0, host_length = strcspn(text, ".");

    if (length == 0)
        return error_set(err, ERROR_INPUT, "the FQDN is empty");
    for (const char *label = text; label;) {
        size_t label_length = strcspn(label, ".");

        if (!label_check(label, label_length, "FQDN", err))
            return false;
        labels++;
        label = label[label_length] ? label + label_length + 1 : NULL;
    }
    if (labels < 2)
        return error_set(err, ERROR_INPUT, "FQDN '%s' has no domain; write it as host.domain", text);
    if (length - host_length - 1 > DOMAIN_NAME_MAX_LENGTH)
        return error_set(err, ERROR_INPUT, "the FQDN's domain has %zu characters; AMT takes %d",
                         length - host_length - 1, DOMAIN_NAME_MAX_LENGTH);
    for (size_t i = 0; i <= length; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    return true;
}

static bool read_short_name(const char *field, char out[HOST_NAME_MAX_LENGTH + 1], struct error *err)
{
    if (*field == '\0')
        return error_set(err, ERROR_INPUT, "the short name is empty");
    if (!label_check(field, strlen(field), "short name", err))
        return false;
    strcpy(out, field);
    return true;
}

static bool read_uuid(const char *field, struct uuid *uuid, struct error *err)
{
    if (!uuid_parse(field, uuid))
        return error_set(err, ERROR_INPUT,
                         "'%.48s' is no UUID; it looks like 12345678-9abc-def0-1234-56789abcdef0", field);
    if (uuid_is_dummy(uuid))
        return error_set(err, ERROR_INPUT,
                         "UUID %.48s is what unfinished boards carry; set the computer's own "
                         "in its BIOS",
                         field);
    return true;
}

/* Six octets written with colons, with hyphens, in Cisco's groups of four, or without separators. */
static bool read_mac(const char *field, char out[MAC_TEXT_SIZE], struct error *err)
{
    unsigned char octets[6];
    char digits[13];
    size_t count = 0;
    bool separated = strlen(field) == 17 || strlen(field) == 14 || strlen(field) == 12;

    for (const char *at = field; *at; at++) {
        if (isxdigit((unsigned char)*at) && count < 12)
            digits[count++] = *at;
        else if (!strchr(":-.", *at))
            separated = false;
    }
    digits[count] = '\0';
    if (!separated || !hex_decode(digits, octets, sizeof(octets)))
        return error_set(err, ERROR_INPUT, "'%.24s' is no MAC address; it looks like 00:1b:21:0a:0b:0c",
                         field);
    if (octets[0] & 1)
        return error_set(err, ERROR_INPUT, "MAC address %.24s is a group address, not a computer's", field);
    if (memcmp(octets, "\0\0\0\0\0", sizeof(octets)) == 0)
        return error_set(err, ERROR_INPUT, "MAC address %.24s is all zeros", field);
    snprintf(out, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3],
             octets[4], octets[5]);
    return true;
}

static bool read_password(const char *field, const char *what, struct secret **password, struct error *err)
{
    struct bytes decoded = { 0 };
    AUTO(secret_free) struct secret *reading = NULL;

    if (!base64_decode(field, &decoded))
        return error_set(err, ERROR_INPUT, "the %s password is no Base64", what);
    reading = secret_new(decoded.data, decoded.length);
    secret_wipe(decoded.data, decoded.length);
    bytes_free(&decoded);
    if (!password_check(reading, err))
        return error_during(err, "%s password", what);
    *password = TAKE(reading);
    return true;
}

static const char *field_of(const struct csv_record *record, enum column column)
{
    return column < record->field_count && *record->fields[column] ? record->fields[column] : NULL;
}

bool computer_line_read(const struct csv_record *record, struct computer_line *line, struct error *err)
{
    struct computer_line reading = { .line = record->line };

    if (record->field_count < COLUMNS_NEEDED)
        return error_set(
            err, ERROR_INPUT,
            "%zu fields, separated by commas, instead of 3 to 6: short_name,FQDN,SMBIOS_UUID[,MAC"
            "[,MEBx_password[,admin_password]]]",
            record->field_count);
    if (record->field_count > COLUMN_LIMIT)
        return error_set(err, ERROR_INPUT, "%zu fields instead of 3 to 6", record->field_count);
    if (!read_short_name(record->fields[COLUMN_SHORT_NAME], reading.short_name, err) ||
        !fqdn_check(record->fields[COLUMN_FQDN], reading.fqdn, err) ||
        !read_uuid(record->fields[COLUMN_UUID], &reading.uuid, err))
        return false;
    if (field_of(record, COLUMN_MAC) && !read_mac(record->fields[COLUMN_MAC], reading.mac, err))
        return false;
    if ((field_of(record, COLUMN_MEBX) &&
         !read_password(record->fields[COLUMN_MEBX], "MEBx", &reading.mebx_password, err)) ||
        (field_of(record, COLUMN_ADMIN) &&
         !read_password(record->fields[COLUMN_ADMIN], "admin", &reading.admin_password, err))) {
        computer_line_clear(&reading);
        return false;
    }
    *line = reading;
    return true;
}

void computer_line_clear(struct computer_line *line)
{
    secret_free(&line->mebx_password);
    secret_free(&line->admin_password);
}

/* "SMBIOS_UUID", "SMBIOS UUID", "UUID", ... where the first computer would have its UUID. */
bool computer_line_is_header(const struct csv_record *record)
{
    struct uuid uuid;

    return record->field_count >= COLUMNS_NEEDED && !uuid_parse(record->fields[COLUMN_UUID], &uuid) &&
           strcasestr(record->fields[COLUMN_UUID], "uuid") != NULL;
}
