/*
 * fleet.h - simulated computers as data: names, addresses, generations; their fleet and import lines.
 */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H

#include "common/uuid.h"
#include "support/site.h"

struct computer {
    char uuid[UUID_TEXT_SIZE];
    char short_name[32];
    char fqdn[96];
    char address[16];
    const char *generation;
};

/* Number index of the site, from 0. */
void computer_plan(struct computer *computer, const struct site *site, unsigned index,
                   const char *generation);
/* The generations that the simulator knows, oldest first. */
extern const char *const generations[];
extern const size_t generation_count;

/* The hash of the site's root, in hexadecimal, that this generation knows. */
const char *computer_root(const struct computer *computer, const struct site *site);
/* A line of the simulator's fleet file: trusts the root of that SHA-1 or SHA-256; words (may be "") are
 * added. */
char *computer_fleet_line(const struct computer *computer, const char *suffix, const char *root,
                          const char *words);
/* A line of the CSV that amtctl imports. */
char *computer_import_line(const struct computer *computer);

/* Adds it to the running simulator, with words as above. */
bool computer_plug_in(struct site *site, const struct computer *computer, struct error *err,
                      const char *words) MUST_CHECK;
/* Imports computers through `amtctl import`. */
bool computers_import(struct site *site, const struct computer *computers, size_t count,
                      struct error *err) MUST_CHECK;

#endif
