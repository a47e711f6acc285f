/*
 * eoi_answer.h - answers of AMT's older SOAP interface, in the form of AMT 3.0.5: chunked.
 */
#ifndef TESTS_EOI_ANSWER_H
#define TESTS_EOI_ANSWER_H

#include <stdio.h>
#include <string.h>

#define CLIENT          "http://schemas.intel.com/platform/client/"
#define EOI_ANSWER_SIZE 8192

/* What stands in the body of an answer; each service in its own namespace. */
struct eoi_body {
    const char *prefix, *service, *operation, *content;
};

#define SAI(operation, content)                                                                              \
    {                                                                                                        \
        "sai", "SecurityAdministration", operation, content                                                  \
    }
#define NET(operation, content)                                                                              \
    {                                                                                                        \
        "net", "NetworkAdministration", operation, content                                                   \
    }
#define TIM(operation, content)                                                                              \
    {                                                                                                        \
        "tim", "NetworkTime", operation, content                                                             \
    }
#define STATE(value)                                                                                         \
    {                                                                                                        \
        "inf", "GeneralInfo", "GetProvisioningState",                                                        \
            "<inf:StatusCode>0</inf:StatusCode><inf:ProvisioningState>" value "</inf:ProvisioningState>"     \
    }
#define DONE "<sai:StatusCode>0</sai:StatusCode>"

/* Returns out. */
static const char *eoi_answer(char out[EOI_ANSWER_SIZE], const struct eoi_body *body)
{
    char envelope[EOI_ANSWER_SIZE - 512];

    snprintf(envelope, sizeof(envelope),
             "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:cstr=\"" CLIENT
             "CertStore/2006/01\" xmlns:%s=\"" CLIENT
             "%s/2004/01\"><S:Body><%s:%sResponse>%s</%s:%sResponse></S:Body></S:Envelope>",
             body->prefix, body->service, body->prefix, body->operation, body->content, body->prefix,
             body->operation);
    snprintf(out, EOI_ANSWER_SIZE,
             "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=UTF-8\r\nCache-Control: no-cache\r\n"
             "Expires: Thu, 26 Oct 1995 00:00:00 GMT\r\nTransfer-Encoding: chunked\r\n"
             "Server: Intel(R) Active Management Technology 3.2.1\r\n\r\n%04zX\r\n%s\r\n0\r\n\r\n",
             strlen(envelope), envelope);
    return out;
}

#endif
