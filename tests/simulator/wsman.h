/*
 * wsman.h - WS-Management operations on the classes of one computer (DSP0226 as AMT speaks it).
 */
#ifndef SIMULATOR_WSMAN_H
#define SIMULATOR_WSMAN_H

#include "class.h"

struct answer {
    unsigned status;  /* HTTP */
    struct text body; /* owned */
    enum after_answer after;
};

enum { OPERATION_ROOM = 128 };

/* "Class.Method"; for the generic operations "Class.Get" and so on; "Identify". */
void wsman_operation(const struct request *request, char operation[OPERATION_ROOM]);
void wsman_execute(struct device *device, const struct identity *identity, const struct request *request,
                   struct answer *answer);
/* Answers without doing anything: a fault, or a method's ReturnValue (an AMT-STATUS fault for other
 * operations). */
void wsman_pretend_fault(struct device *device, const struct request *request, const struct fault *fault,
                         struct answer *answer);
void wsman_pretend_return(struct device *device, const struct request *request, uint32_t value,
                          struct answer *answer);
void answer_release(struct answer *answer);

#endif
