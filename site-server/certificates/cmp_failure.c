#include "certificates/cmp_failure.h"

#include <openssl/cmp.h>
#include <string.h>

#define BIT(name) OSSL_CMP_PKIFAILUREINFO_##name, #name

/* Of several bits the first of this table counts: those that say more stand before those that say less. */
static const struct {
    int bit;
    const char *name;
    enum reason_code reason;
    const char *remedy;
} failures[] = {
    { BIT(badMessageCheck), REASON_ISSUER_DISTRUST,
      "compare cmp.reference and the secret (or cmp.credential_file) with what the authority has" },
    { BIT(wrongIntegrity), REASON_ISSUER_DISTRUST,
      "the authority wants the other way of proof: a shared secret or a certificate" },
    { BIT(signerNotTrusted), REASON_ISSUER_DISTRUST,
      "have the authority trust the certificate in cmp.credential_file" },
    { BIT(notAuthorized), REASON_ISSUER_DISTRUST,
      "give this site the right to request such certificates there" },
    { BIT(wrongAuthority), REASON_ISSUER_DISTRUST,
      "the first certificate of cmp.authority_file is not the authority at cmp.server; mend one of them" },
    { BIT(badTime), REASON_ISSUER_DISTRUST, "set the clocks of this machine and the authority right" },
    { BIT(badAlg), REASON_ISSUER_REFUSED, "allow SHA-256 and the computer's RSA key size there" },
    { BIT(badPOP), REASON_ISSUER_REFUSED,
      "let the authority accept raVerified from this site, or set cmp.request = p10cr and cmp.renewal = "
      "request" },
    { BIT(badCertTemplate), REASON_ISSUER_REFUSED,
      "let the authority's profile allow the computer's name, RSA key and serverAuth" },
    { BIT(unacceptedExtension), REASON_ISSUER_REFUSED,
      "let the authority's profile allow SAN, key usage and extended key usage" },
    { BIT(unacceptedPolicy), REASON_ISSUER_REFUSED, "mend the authority's profile for this site" },
    { BIT(duplicateCertReq), REASON_ISSUER_REFUSED,
      "let the authority issue again for a name or key that has a certificate, or revoke that one there" },
    { BIT(badCertId), REASON_ISSUER_REFUSED,
      "the authority does not know the former certificate; look there" },
    { BIT(certRevoked), REASON_ISSUER_REFUSED,
      "the former certificate is revoked; set cmp.renewal = request" },
    { BIT(certConfirmed), REASON_ISSUER_REFUSED,
      "the certificate was confirmed already; look at the authority" },
    { BIT(badRequest), REASON_ISSUER_REFUSED,
      "let the authority take this kind of request, or choose another with cmp.request and cmp.renewal" },
    { BIT(badDataFormat), REASON_ISSUER_REFUSED,
      "choose another kind of request with cmp.request; the authority's log may say more" },
    { BIT(incorrectData), REASON_ISSUER_REFUSED, "see the authority's log for what it dislikes" },
    { BIT(missingTimeStamp), REASON_ISSUER_REFUSED, "switch the demand for time stamps off there" },
    { BIT(addInfoNotAvailable), REASON_ISSUER_REFUSED, "see the authority's log for what it misses" },
    { BIT(badRecipientNonce), REASON_ISSUER_UNREACHABLE, "nothing; the job is tried again" },
    { BIT(badSenderNonce), REASON_ISSUER_UNREACHABLE, "nothing; the job is tried again" },
    { BIT(transactionIdInUse), REASON_ISSUER_UNREACHABLE, "nothing; the job is tried again" },
    { BIT(timeNotAvailable), REASON_ISSUER_UNREACHABLE,
      "give the authority its clock back; jobs resume by themselves" },
    { BIT(systemUnavail), REASON_ISSUER_UNREACHABLE, "nothing; the job is tried again" },
    { BIT(systemFailure), REASON_ISSUER_UNREACHABLE, "see the authority's log; jobs resume by themselves" },
    { BIT(unsupportedVersion), REASON_ISSUER_REFUSED,
      "use an authority that speaks CMP version 2 (RFC 4210)" },
};

static bool tell_rejection(const struct cmp_failure *failure, const char *what, struct error *err)
{
    const char *text = failure->text ? failure->text : "";

    for (size_t i = 0; failure->failure_bits > 0 && i < COUNT_OF(failures); i++) {
        if (failure->failure_bits & 1 << failures[i].bit)
            return error_because(err, failures[i].reason, "%s: the authority says %s%s%.160s%s; %s", what,
                                 failures[i].name, *text ? ", \"" : "", text, *text ? "\"" : "",
                                 failures[i].remedy);
    }
    return error_because(
        err, REASON_ISSUER_REFUSED,
        "%s: the authority refuses%s%.160s%s and does not say why in CMP's terms; its log may", what,
        *text ? ", \"" : "", text, *text ? "\"," : "");
}

bool cmp_failure_tell(const struct cmp_failure *failure, const char *what, struct error *err)
{
    if (failure->rejected)
        return tell_rejection(failure, what, err);
    if (failure->distrust)
        return error_because(err, REASON_ISSUER_DISTRUST,
                             "%s: the answer does not prove to be the authority's (%.160s); compare "
                             "cmp.authority_file and the secret with the authority",
                             what, failure->trouble);
    return error_because(
        err, REASON_ISSUER_UNREACHABLE, "%s: %s (%.160s); look at the authority and cmp.server", what,
        failure->transport ? "the authority does not answer" : "no answer that makes sense came",
        failure->trouble);
}
