#include "subnet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prefix {
    unsigned char bytes[16];
    int bits; /* of an address of this family */
    int length;
};

static bool parse_address(const char *text, struct prefix *prefix)
{
    if (inet_pton(AF_INET, text, prefix->bytes) == 1)
        prefix->bits = 32;
    else if (inet_pton(AF_INET6, text, prefix->bytes) == 1)
        prefix->bits = 128;
    else
        return false;
    prefix->length = prefix->bits;
    return true;
}

static bool parse_subnet(const char *text, struct prefix *prefix)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");
    char *end;
    long bits;

    if (length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!parse_address(address, prefix))
        return false;
    if (!text[length])
        return true;
    if (text[length + 1] < '0' || text[length + 1] > '9')
        return false;
    bits = strtol(text + length + 1, &end, 10);
    if (*end || bits > prefix->bits)
        return false;
    prefix->length = (int)bits;
    return true;
}

bool subnet_valid(const char *subnet)
{
    struct prefix prefix;

    return parse_subnet(subnet, &prefix);
}

int subnet_match(const char *subnet, const char *address)
{
    struct prefix prefix, target;
    int whole, rest;

    if (!parse_subnet(subnet, &prefix) || !parse_address(address, &target) || prefix.bits != target.bits)
        return -1;
    whole = prefix.length / 8;
    rest = prefix.length % 8;
    if (memcmp(prefix.bytes, target.bytes, (size_t)whole) != 0 ||
        (rest && (prefix.bytes[whole] ^ target.bytes[whole]) >> (8 - rest)))
        return -1;
    return prefix.length;
}
