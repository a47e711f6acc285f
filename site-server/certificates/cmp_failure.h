/*
 * cmp_failure.h - what a CMP transaction failed for, in this product's reasons (RFC 4210 5.2.3 and F).
 */
#ifndef CERTIFICATES_CMP_FAILURE_H
#define CERTIFICATES_CMP_FAILURE_H

#include "common/error.h"

#define CMP_NO_FAILURE_BITS (-1)

struct cmp_failure {
    bool rejected;    /* the authority answered, with status "rejection" */
    int failure_bits; /* PKIFailureInfo: bit 0 is badAlg; CMP_NO_FAILURE_BITS: none were sent */
    const char *text; /* what the authority wrote to it; NULL or "": nothing */
    /* When it did not answer so: what libcrypto says, and which of the two it was. */
    const char *trouble;
    bool transport, distrust; /* no answer came; one came that does not prove to be the authority's */
};

/* Always false: sets reason and message, what was asked first. */
bool cmp_failure_tell(const struct cmp_failure *failure, const char *what, struct error *err);

#endif
