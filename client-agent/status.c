#include "status.h"

#include <json-c/json.h>
#include <string.h>

#include "common/encoding.h"

#define MAC_TEXT_SIZE     18
#define ADDRESS_TEXT_SIZE 16

static const char *mac_text(const uint8_t mac[6], char out[MAC_TEXT_SIZE])
{
    snprintf(out, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
    return out;
}

static const char *address_text(uint32_t address, char out[ADDRESS_TEXT_SIZE])
{
    snprintf(out, ADDRESS_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
    return out;
}

/* ---- for people ---- */

static void print_lan(const char *label, bool present, const struct host_lan *lan, FILE *out)
{
    char mac[MAC_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];

    if (!present)
        return;
    fprintf(out, "%-14s%s, link %s, %s%s%s\n", label, mac_text(lan->mac, mac), lan->link_up ? "up" : "down",
            lan->dhcp ? "DHCP" : "static address", lan->address ? ", " : "",
            lan->address ? address_text(lan->address, address) : "");
}

static void print_hashes(const struct firmware_facts *facts, FILE *out)
{
    char digest[2 * HOST_HASH_MAX_LENGTH + 1];

    for (size_t i = 0; i < facts->hash_count; i++) {
        const struct host_hash *hash = &facts->hashes[i];

        fprintf(out, "%-14s%s %s%s%s%s\n", i ? "" : "trusted roots",
                host_hash_algorithm_name(hash->algorithm), hex_encode(hash->digest, hash->length, digest),
                hash->active ? "" : " (inactive)", *hash->name ? " " : "", hash->name);
    }
}

static void print_facts(const struct firmware_facts *facts, FILE *out)
{
    fprintf(out, "%-14s%s build %s\n", "AMT", host_version_of(&facts->versions, "AMT"),
            host_version_of(&facts->versions, "Build Number"));
    fprintf(out, "%-14s%s\n", "BIOS", facts->versions.bios);
    fprintf(out, "%-14s%s\n", "state", firmware_state_name(facts->state));
    if (facts->has_control_mode)
        fprintf(out, "%-14s%s\n", "control mode", firmware_control_mode_name(facts->control_mode));
    if (facts->has_zero_touch)
        fprintf(out, "%-14s%s\n", "remote setup", facts->zero_touch ? "allowed" : "switched off in MEBx");
    fprintf(out, "%-14s%s\n", "DNS suffix",
            *facts->dns_suffix ? facts->dns_suffix : "that of DHCP (option 15)");
    print_lan("wired", facts->has_wired, &facts->wired, out);
    print_lan("wireless", facts->has_wireless, &facts->wireless, out);
    print_hashes(facts, out);
}

void status_print(const struct computer *computer, FILE *out)
{
    char uuid[UUID_TEXT_SIZE];

    fprintf(out, "%-14s%s\n", "UUID", computer->has_uuid ? uuid_text(&computer->uuid, uuid) : "not readable");
    fprintf(out, "%-14s%s\n", "name", computer->fqdn ? computer->fqdn : "none with a domain");
    if (computer->has_amt)
        print_facts(&computer->facts, out);
    else
        fprintf(out, "%-14snone: %s\n", "AMT", computer->why_not.message);
}

/* ---- for programs ---- */

static void add_text(json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, value ? json_object_new_string(value) : NULL);
}

static void add_flag(json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

static json_object *lan_object(const struct host_lan *lan)
{
    char mac[MAC_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
    json_object *object = json_object_new_object();

    add_text(object, "mac", mac_text(lan->mac, mac));
    add_flag(object, "link", lan->link_up);
    add_flag(object, "dhcp", lan->dhcp);
    add_text(object, "address", lan->address ? address_text(lan->address, address) : NULL);
    return object;
}

static json_object *hash_array(const struct firmware_facts *facts)
{
    json_object *array = json_object_new_array();
    char digest[2 * HOST_HASH_MAX_LENGTH + 1];

    for (size_t i = 0; i < facts->hash_count; i++) {
        const struct host_hash *hash = &facts->hashes[i];
        json_object *object = json_object_new_object();

        add_text(object, "algorithm", host_hash_algorithm_name(hash->algorithm));
        add_text(object, "hash", hex_encode(hash->digest, hash->length, digest));
        add_text(object, "name", hash->name);
        add_flag(object, "active", hash->active);
        add_flag(object, "default", hash->is_default);
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *facts_object(const struct firmware_facts *facts)
{
    json_object *object = json_object_new_object();

    add_text(object, "version", host_version_of(&facts->versions, "AMT"));
    add_text(object, "build", host_version_of(&facts->versions, "Build Number"));
    add_text(object, "sku", host_version_of(&facts->versions, "Sku"));
    add_text(object, "bios", facts->versions.bios);
    add_text(object, "state", firmware_state_name(facts->state));
    add_text(object, "control_mode",
             facts->has_control_mode ? firmware_control_mode_name(facts->control_mode) : NULL);
    json_object_object_add(object, "zero_touch",
                           facts->has_zero_touch ? json_object_new_boolean(facts->zero_touch) : NULL);
    add_text(object, "dns_suffix", *facts->dns_suffix ? facts->dns_suffix : NULL);
    json_object_object_add(object, "wired", facts->has_wired ? lan_object(&facts->wired) : NULL);
    json_object_object_add(object, "wireless", facts->has_wireless ? lan_object(&facts->wireless) : NULL);
    json_object_object_add(object, "trusted_roots", hash_array(facts));
    return object;
}

static void print_object(json_object *object, FILE *out)
{
    fprintf(out, "%s\n",
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static void add_failure(json_object *object, const struct error *why)
{
    add_text(object, "reason", reason_of(why->reason)->name);
    add_text(object, "text", why->message);
}

void status_print_json(const struct computer *computer, FILE *out)
{
    json_object *object = json_object_new_object();
    char uuid[UUID_TEXT_SIZE];

    add_text(object, "uuid", computer->has_uuid ? uuid_text(&computer->uuid, uuid) : NULL);
    add_text(object, "fqdn", computer->fqdn);
    json_object_object_add(object, "amt", computer->has_amt ? facts_object(&computer->facts) : NULL);
    if (!computer->has_amt)
        add_failure(object, &computer->why_not);
    print_object(object, out);
}

/* ---- checks ---- */

/* Without a site there is nobody to want anything. */
static enum check first_check(const struct message_policy *policy)
{
    return policy ? CHECK_POLICY : CHECK_INTERFACE;
}

/* The one that failed, with *err; CHECK_COUNT: none. */
static enum check failed_check(const struct computer *computer, const struct message_policy *policy,
                               struct error *err)
{
    enum check check = first_check(policy);

    while (check < CHECK_COUNT && check_run(check, computer, policy, err))
        check++;
    return check;
}

bool status_print_checks(const struct computer *computer, const struct message_policy *policy, FILE *out,
                         struct error *err)
{
    enum check failed = failed_check(computer, policy, err);

    for (enum check check = first_check(policy); check < failed; check++)
        fprintf(out, "ok      %s\n", check_meaning(check));
    if (failed == CHECK_COUNT)
        return true;
    fprintf(out, "FAILED  %s: %s\n", check_meaning(failed), err->message);
    return false;
}

bool status_print_checks_json(const struct computer *computer, const struct message_policy *policy, FILE *out,
                              struct error *err)
{
    json_object *array = json_object_new_array();
    enum check failed = failed_check(computer, policy, err);

    for (enum check check = first_check(policy); check <= failed && check < CHECK_COUNT; check++) {
        json_object *object = json_object_new_object();

        add_text(object, "check", check_meaning(check));
        add_flag(object, "passed", check < failed);
        if (check == failed)
            add_failure(object, err);
        json_object_array_add(array, object);
    }
    print_object(array, out);
    return failed == CHECK_COUNT;
}
