#include "support/usage.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct status {
    int parent;
    unsigned long user, system;          /* clock ticks */
    long children_user, children_system; /* of children that were waited for */
};

static bool read_status(pid_t pid, struct status *status)
{
    char path[64], line[1024];
    FILE *file;
    char *after_name;
    bool read = false;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    if (fgets(line, sizeof(line), file) && (after_name = strrchr(line, ')')))
        read = sscanf(after_name + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
                      &status->parent, &status->user, &status->system, &status->children_user,
                      &status->children_system) == 5;
    fclose(file);
    return read;
}

double usage_cpu_ms(pid_t pid)
{
    struct status status;
    double ticks = 0;
    DIR *processes;
    struct dirent *entry;

    if (!read_status(pid, &status))
        return 0;
    ticks = (double)status.user + (double)status.system + (double)status.children_user +
            (double)status.children_system;
    processes = opendir("/proc");
    while (processes && (entry = readdir(processes))) {
        struct status child;
        pid_t child_pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (child_pid > 0 && child_pid != pid && read_status(child_pid, &child) && child.parent == pid)
            ticks += (double)child.user + (double)child.system;
    }
    if (processes)
        closedir(processes);
    return ticks * 1000 / (double)sysconf(_SC_CLK_TCK);
}

long usage_resident_kib(pid_t pid)
{
    char path[64];
    long pages = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

double usage_own_cpu_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}
