/*
 * computer_line.h - one line of an import file, checked (spec 10).
 *
 * short_name,FQDN,SMBIOS_UUID[,MAC[,MEBx_password[,admin_password]]], passwords in Base64.
 */
#ifndef CONTROL_COMPUTER_LINE_H
#define CONTROL_COMPUTER_LINE_H

#include "common/error.h"
#include "common/secret.h"
#include "common/uuid.h"
#include "csv.h"

#define HOST_NAME_MAX_LENGTH   63  /* of AMT_GeneralSettings.HostName */
#define DOMAIN_NAME_MAX_LENGTH 191 /* of AMT_GeneralSettings.DomainName */
#define FQDN_SIZE              (HOST_NAME_MAX_LENGTH + 1 + DOMAIN_NAME_MAX_LENGTH + 1)
#define MAC_TEXT_SIZE          18

struct computer_line {
    size_t line;
    struct uuid uuid;
    char short_name[HOST_NAME_MAX_LENGTH + 1];
    char fqdn[FQDN_SIZE];                          /* lower case */
    char mac[MAC_TEXT_SIZE];                       /* aa:bb:cc:dd:ee:ff; empty: the file does not say */
    struct secret *mebx_password, *admin_password; /* NULL: the file does not say */
};

/* The error says what is wrong with which field, never a password. End with computer_line_clear(). */
bool computer_line_read(const struct csv_record *record, struct computer_line *line,
                        struct error *err) MUST_CHECK;
void computer_line_clear(struct computer_line *line);
/* The header line that the Out of Band Wizard and spreadsheets write above the first computer. */
bool computer_line_is_header(const struct csv_record *record);

/* Lower case into out; the error names the label that is wrong. */
bool fqdn_check(const char *text, char out[FQDN_SIZE], struct error *err) MUST_CHECK;

#endif
