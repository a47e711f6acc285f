#include "support/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const generations[] = { "6.2",  "7.1",  "9.0",  "11.8", "12.0",
                                    "14.0", "15.0", "16.1", "18.0", "19.0" };
const size_t generation_count = COUNT_OF(generations);

void computer_plan(struct computer *computer, const struct site *site, unsigned index, const char *generation)
{
    AUTO(text_free) char *address = workplace_computer_address(&site->place, index);

    snprintf(computer->uuid, sizeof(computer->uuid), "4c4c4544-%04x-4d10-8%03x-%012x",
             0x1000 + index % 0xe000, site->place.block, index + 1);
    snprintf(computer->short_name, sizeof(computer->short_name), "pc%05u", index + 1);
    snprintf(computer->fqdn, sizeof(computer->fqdn), "%s.%s", computer->short_name, site->dns_suffix);
    snprintf(computer->address, sizeof(computer->address), "%s", address);
    computer->generation = generation;
}

char *computer_fleet_line(const struct computer *computer, const char *suffix, const char *root_sha256,
                          const char *words)
{
    return text_format("uuid=%s address=%s generation=%s option15=%s hash=sha256:%s %s", computer->uuid,
                       computer->address, computer->generation, suffix, root_sha256, words);
}

char *computer_import_line(const struct computer *computer)
{
    return text_format("%s,%s,%s", computer->short_name, computer->fqdn, computer->uuid);
}

bool computer_plug_in(struct site *site, const struct computer *computer, struct error *err,
                      const char *words)
{
    AUTO(text_free)
    char *line = computer_fleet_line(computer, site->dns_suffix, site->provisioning.sha256_hex, words);

    return simulator_control(site->simulator, NULL, err, "add %s", line);
}

bool computers_import(struct site *site, const struct computer *computers, size_t count, struct error *err)
{
    AUTO(text_free) char *path = site_path(site, "import.csv");
    AUTO(text_free) char *csv = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&csv, &length);

    for (size_t i = 0; i < count; i++) {
        AUTO(text_free) char *line = computer_import_line(&computers[i]);

        fprintf(out, "%s\n", line);
    }
    fclose(out);
    return file_write(path, csv, 0600, err) && site_amtctl(site, NULL, err, "import", path, NULL);
}
