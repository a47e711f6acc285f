#include "schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/ownership.h"

#define FURTHEST_S   (30 * 86400) /* proto/provisioning.proto, Policy.come_back_s */
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 37

static void read_boot_id(char boot_id[BOOT_ID_SIZE])
{
    FILE *file = fopen(BOOT_ID_FILE, "re");

    *boot_id = '\0';
    if (!file)
        return;
    if (!fgets(boot_id, BOOT_ID_SIZE, file))
        *boot_id = '\0';
    fclose(file);
}

bool schedule_due(const char *path)
{
    char boot_id[BOOT_ID_SIZE], noted_boot[BOOT_ID_SIZE] = "";
    int64_t next_s = 0, now_s = clock_wall_ms() / 1000;
    FILE *file = fopen(path, "re");
    bool noted;

    if (!file)
        return true;
    noted = fscanf(file, "%" SCNd64 " %36s", &next_s, noted_boot) == 2;
    fclose(file);
    read_boot_id(boot_id);
    return !noted || strcmp(noted_boot, boot_id) != 0 || next_s <= now_s || next_s > now_s + FURTHEST_S;
}

static bool write_note(const char *path, int64_t next_s)
{
    char boot_id[BOOT_ID_SIZE];
    FILE *file = fopen(path, "we");
    bool written;

    if (!file)
        return false;
    read_boot_id(boot_id);
    written = fprintf(file, "%" PRId64 " %s\n", next_s, boot_id) > 0;
    return fclose(file) == 0 && written;
}

void schedule_note(const char *path, uint32_t come_back_s)
{
    AUTO(text_free) char *fresh = text_format("%s.new", path);

    if (!*path)
        return;
    if (!write_note(fresh, clock_wall_ms() / 1000 + come_back_s) || rename(fresh, path) != 0)
        log_warning("cannot note when to contact the site again", log_text("file", path),
                    log_text("why", strerror(errno)));
}
