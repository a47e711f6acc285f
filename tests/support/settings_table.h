/*
 * settings_table.h - a profile that says everything, and what firmware has of it: settings by generations.
 *
 * The values are read from the simulated firmware, never from the database. Next to each stands what the
 * profile asks for; that a generation does not have a setting at all is a value too, and one that is
 * compared: what AMT has from which release on is known here apart from the simulator (AMT SDK, release
 * notes and class reference).
 */
#ifndef TESTS_SUPPORT_SETTINGS_TABLE_H
#define TESTS_SUPPORT_SETTINGS_TABLE_H

#include <stdio.h>

#include "support/proof.h"

/* Words of the fleet file for a computer that has all the hardware. */
#define EVERYTHING_HARDWARE "mobile=yes wifi=yes"

/* Makes the profile of that name: every setting that amtctl knows, none at its firmware's default where
 * that can be told, with wireless networks, wired 802.1X and users. */
bool everything_set(struct site *site, const char *profile, struct error *err) MUST_CHECK;
extern const struct proof_profile proof_of_everything;

struct settings_table; /* opaque: a column for each computer that was added */

struct settings_table *settings_table_new(void);
void settings_table_free(struct settings_table **table);
/* Reads the firmware of a computer with that profile. False only when it cannot be read. */
bool settings_table_add(struct settings_table *table, struct site *site, const struct computer *computer,
                        struct error *err) MUST_CHECK;
/* Values that are not what the profile asks for. */
size_t settings_table_differences(const struct settings_table *table);
void settings_table_print(const struct settings_table *table, FILE *out);

#endif
