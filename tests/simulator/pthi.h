/*
 * pthi.h - what the firmware answers its own computer: PTHI, and the watchdog client that switches AMT on.
 *
 * The other side of the network interface, on the very same state: an OTP set here is read over
 * WS-Management, StartConfiguration opens the setup port and begins the Hellos. Layouts and state rules: AMT
 * SDK, "PTHI commands" and "State independence".
 */
#ifndef SIMULATOR_PTHI_H
#define SIMULATOR_PTHI_H

#include "computer.h"

enum { PTHI_MESSAGE_MAX = 5120 /* what recorded firmware names as its longest message */ };

/* Length of the answer in reply[PTHI_MESSAGE_MAX]; 0: no PTHI message at all, nothing is answered. */
size_t pthi_answer(struct computer *computer, const unsigned char *request, size_t length,
                   unsigned char *reply);
/* Name of the command for "at=" of a misbehaviour, "PTHI.GetUUID"; NULL: none that is known. */
const char *pthi_operation(const unsigned char *request, size_t length);

size_t watchdog_answer(struct computer *computer, const unsigned char *request, size_t length,
                       unsigned char *reply);

#endif
