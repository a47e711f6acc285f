#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"

#define BAR_WIDTH   40
#define INTERVAL_MS 100

void progress_start(struct progress *progress, const char *label, uint64_t total)
{
    *progress = (struct progress){ .label = label, .total = total };
    progress->shown = total > 0 && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    progress_to(progress, 0);
}

void progress_to(struct progress *progress, uint64_t done)
{
    char bar[BAR_WIDTH + 1];
    uint64_t total = progress->total > done ? progress->total : done;
    unsigned filled = total ? (unsigned)(done * BAR_WIDTH / total) : BAR_WIDTH;
    int64_t now_ms = clock_monotonic_ms();

    if (!progress->shown || (now_ms < progress->next_ms && done < total))
        return;
    progress->next_ms = now_ms + INTERVAL_MS;
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3" PRIu64 "%% ", progress->label, bar, total ? done * 100 / total : 100);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->next_ms = 0;
}

void progress_end(struct progress *progress)
{
    progress_clear(progress);
    progress->shown = false;
}
