#include "support/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA1_HEX_LENGTH 40

const char *const generations[] = { "3.2.1", "5.2",  "6.2",  "7.1",  "9.0",  "11.8",
                                    "12.0",  "14.0", "15.0", "16.1", "18.0", "19.0" };
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

/* Firmware before 6.0 knows SHA-1 alone. */
const char *computer_root(const struct computer *computer, const struct site *site)
{
    return strtoul(computer->generation, NULL, 10) < 6 ? site->provisioning.sha1_hex
                                                       : site->provisioning.sha256_hex;
}

char *computer_fleet_line(const struct computer *computer, const char *suffix, const char *root,
                          const char *words)
{
    bool sha1 = strlen(root) == SHA1_HEX_LENGTH;

    return text_format("uuid=%s address=%s generation=%s option15=%s hash=%s:%s %s", computer->uuid,
                       computer->address, computer->generation, suffix, sha1 ? "sha1" : "sha256", root,
                       words);
}

char *computer_import_line(const struct computer *computer)
{
    return text_format("%s,%s,%s", computer->short_name, computer->fqdn, computer->uuid);
}

bool computer_plug_in(struct site *site, const struct computer *computer, struct error *err,
                      const char *words)
{
    AUTO(text_free)
    char *line = computer_fleet_line(computer, site->dns_suffix, computer_root(computer, site), words);

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
