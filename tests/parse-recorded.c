/*
 * parse-recorded DIR - runs the service point's parsers over recorded answers of devices.
 *
 * DIR holds one answer a file, <vendor>/<class>/<operation>.xml, at any depth: SOAP envelopes without HTTP,
 * of version 1.2 for WS-Management and of 1.1 for AMT's older SOAP interface.
 * Prints per file what was understood, or why not; ends with a count, and with exit status 1 if any failed.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/eoi_describe.h"
#include "firmware/wsman_describe.h"

#define FILE_MAX_BYTES (1024 * 1024) /* as on the wire */

struct tally {
    unsigned passed, failed, not_ours;
};

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

static bool file_read(const char *path, struct bytes *content, struct error *err)
{
    AUTO(file_close) FILE *file = fopen(path, "rb");
    size_t length;

    if (!file)
        return error_set(err, ERROR_INPUT, "cannot be read: %s", strerror(errno));
    content->data = allocate(FILE_MAX_BYTES + 1);
    length = fread(content->data, 1, FILE_MAX_BYTES + 1, file);
    if (ferror(file) || length > FILE_MAX_BYTES) {
        bytes_free(content);
        return error_set(err, ERROR_INPUT, "cannot be read whole; at most %d bytes are taken",
                         FILE_MAX_BYTES);
    }
    content->data[length] = '\0';
    content->length = length;
    return true;
}

static bool describe(const struct bytes *content, char **description, struct error *err)
{
    const char *text = (const char *)content->data;
    bool older = strstr(text, "http://schemas.xmlsoap.org/soap/envelope/") != NULL;

    return older ? eoi_describe(text, content->length, description, err)
                 : wsman_describe(text, content->length, description, err);
}

static void file_try(const char *path, const char *name, struct tally *tally)
{
    AUTO(bytes_free) struct bytes content = { 0 };
    AUTO(text_free) char *description = NULL;
    struct error err = { 0 };

    if (file_read(path, &content, &err) && describe(&content, &description, &err)) {
        printf("ok       %s: %s", name, description);
        tally->passed++;
    } else if (err.code == ERROR_ABSENT) {
        printf("not ours %s: %s\n", name, err.message);
        tally->not_ours++;
    } else {
        printf("FAILED   %s: %s\n", name, err.message);
        tally->failed++;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_answer(const FTSENT *entry)
{
    size_t length = strlen(entry->fts_name);

    return entry->fts_info == FTS_F && length > 4 && strcmp(entry->fts_name + length - 4, ".xml") == 0;
}

int main(int argc, char **argv)
{
    struct tally tally = { 0 };
    size_t prefix;
    FTSENT *entry;
    FTS *tree;

    if (argc != 2) {
        fprintf(stderr, "usage: parse-recorded DIR\n");
        return EXIT_FAILURE;
    }
    tree = fts_open((char *[]){ argv[1], NULL }, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    prefix = strlen(argv[1]);
    while (tree && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) {
            printf("FAILED   %s: %s\n", entry->fts_path, strerror(entry->fts_errno));
            tally.failed++;
        } else if (is_answer(entry)) {
            const char *name = entry->fts_level > 0 ? entry->fts_path + prefix : entry->fts_path;

            file_try(entry->fts_path, name + strspn(name, "/"), &tally);
        }
    }
    if (tree)
        fts_close(tree);
    if (tally.passed + tally.failed + tally.not_ours == 0) {
        printf("FAILED   %s: no .xml file in it\n", argv[1]);
        tally.failed++;
    }
    printf("%u not ours\n%u passed, %u failed\n", tally.not_ours, tally.passed, tally.failed);
    return tally.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
