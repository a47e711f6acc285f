/*
 * computer.h - what the agent finds out about the computer it runs on: its firmware and its system.
 */
#ifndef CLIENT_AGENT_COMPUTER_H
#define CLIENT_AGENT_COMPUTER_H

#include "common/message.h"
#include "config.h"
#include "firmware.h"

struct computer {
    bool has_uuid; /* false: firmware does not tell it, and the system's may not be read */
    struct uuid uuid;
    char *fqdn;                 /* NULL: the system has no name with a domain */
    struct wired_address wired; /* of the interface that the firmware shares; address NULL: none */
    bool has_amt;               /* facts are set; else why_not is */
    bool amt_switched_off;      /* by software; firmware_switch_on() may change that */
    struct firmware_facts facts;
    const char *device; /* of the engine with AMT in it; borrows the configuration's; NULL: none */
    struct error why_not;
};

/* Whatever can be found out. When has_amt, *firmware (may be NULL) is open and the caller's. *computer must
 * be zeroed before and is ended with computer_clear(). */
void computer_examine(struct computer *computer, const struct config *config, struct firmware **firmware);
void computer_clear(struct computer *computer);

struct firmware_settings computer_firmware_settings(const struct config *config, const char *device);

#endif
