/*
 * control.h - the control socket: a command a line in, a JSON object a line out.
 *
 *   list | state ID | counters [ID] | hello ID [RETRY] | hello-raw ID HEX | misbehave ID WORDS... | behave ID
 *   set ID KEY=VALUE... | reset ID | add FLEETLINE | quit
 *   hold ID before|after REQUEST | release ID | lose ID | drop ID | answer ID drop|power-cycle | power-cycle
 * ID | freeze ID | thaw ID | events
 *
 * ID is a UUID or an address. The answer has "ok": true, or false and an "error".
 */
#ifndef SIMULATOR_CONTROL_H
#define SIMULATOR_CONTROL_H

#include "simulator.h"

struct control; /* opaque: owns the listening socket and its connections' buffers */

bool control_open(struct control **control, struct simulator *simulator, const char *path,
                  struct error *err) MUST_CHECK;
void control_close(struct control **control);

/* The client's side: sends one command (words, or every line of standard input when the only word is "-"),
 * prints each answer. Returns the exit status: 0 if all were "ok". */
int control_talk(const char *path, char *const *words, int count);

#endif
