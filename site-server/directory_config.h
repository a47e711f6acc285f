/*
 * directory_config.h - what the configuration says about the directory, for the server and for its check.
 */
#ifndef SITE_SERVER_DIRECTORY_CONFIG_H
#define SITE_SERVER_DIRECTORY_CONFIG_H

#include "config.h"
#include "directory/directory_errand.h"

/* NULL where a keytab is used, or no directory. The caller frees. */
bool directory_password_read(const struct config *config, struct secret **password,
                             struct error *err) MUST_CHECK;
/* Where a keytab is configured, it can be read. */
bool directory_keytab_check(const struct config *config, struct error *err) MUST_CHECK;
/* Borrows both. */
void directory_settings_of(const struct config *config, const struct secret *password,
                           struct directory_settings *settings);

#endif
