#include "common/metrics/prometheus.h"

#include <inttypes.h>

void metric_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_quoted(FILE *out, const char *value)
{
    fputc('"', out);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

void metric_labelled(FILE *out, const char *name, const char *label, const char *value, int64_t number)
{
    fprintf(out, "%s{%s=", name, label);
    metric_quoted(out, value);
    fprintf(out, "} %" PRId64 "\n", number);
}

void metric_single(FILE *out, const char *name, const char *type, const char *help, int64_t number)
{
    metric_head(out, name, type, help);
    fprintf(out, "%s %" PRId64 "\n", name, number);
}
