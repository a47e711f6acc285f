/*
 * workplace.h - a directory and a block of loopback addresses that are ours alone.
 *
 * Both are held by file locks, which the kernel gives back whatever becomes of us. So two runs beside
 * each other never meet: the second one gets NAME-2 and other addresses.
 */
#ifndef TESTS_SUPPORT_WORKPLACE_H
#define TESTS_SUPPORT_WORKPLACE_H

#include <stdint.h>

#include "common/error.h"

struct workplace {
    char *directory; /* absolute; empty when handed out */
    int directory_lock;
    unsigned block; /* 127.<block>.0.0/16 is ours */
    int block_lock;
};

/* What an earlier run left in the directory is removed. Without a choice, exact must be false: then
 * the directories NAME-2, NAME-3 ... are tried when NAME is in use. */
bool workplace_open(struct workplace *workplace, const char *directory, bool exact,
                    struct error *err) MUST_CHECK;
void workplace_close(struct workplace *workplace); /* accepts a zeroed one; leaves the files */

/* directory/name; the caller frees. */
char *workplace_path(const struct workplace *workplace, const char *name);
/* The address of computer number index, from 0: 127.<block>.1.1 and on. Up to 60,000. */
char *workplace_computer_address(const struct workplace *workplace, unsigned index);
/* A port of this address that nobody listens on just now. */
bool loopback_free_port(const char *address, uint16_t *port, struct error *err) MUST_CHECK;

bool file_write(const char *path, const char *content, unsigned mode, struct error *err) MUST_CHECK;
/* Adds a NUL, which *length (may be NULL) does not count; the caller frees. */
bool file_read(const char *path, char **content, size_t *length, struct error *err) MUST_CHECK;
void directory_remove(const char *path);

#endif
