#include "support/web_client.h"

#include <stdlib.h>
#include <string.h>

#include "support/negotiate.h"
#include "support/process.h"
#include "support/workplace.h"

enum { CURL_TIMEOUT_MS = 60000, ARGUMENTS_MAX = 32 };

bool web_client_prepare(const char *openssl_config, struct error *err)
{
    return file_write(openssl_config,
                      "openssl_conf = amt\n[amt]\nssl_conf = ssl\n[ssl]\nsystem_default = old\n"
                      "[old]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n"
                      "Options = UnsafeLegacyServerConnect\n",
                      0644, err);
}

/* The last line is the status. */
static bool take_answer(const char *url, const struct command_result *result, struct web_answer *answer,
                        struct error *err)
{
    const char *last = result->output ? strrchr(result->output, '\n') : NULL;

    if (result->exit_status != 0 || !last)
        return error_set(err, ERROR_UNREACHABLE, "curl %s: exit status %d: %s", url, result->exit_status,
                         result->errors);
    web_answer_clear(answer);
    answer->status = atoi(last + 1);
    answer->text = text_copy(result->output);
    return true;
}

bool web_post(const struct web_target *target, const char *cache, const char *const *words, const char *body,
              struct web_answer *answer, struct error *err)
{
    AUTO(text_free) char *resolve = text_format("%s:%u:%s", target->fqdn, target->port, target->address);
    AUTO(text_free)
    char *url = text_format("%s://%s:%u%s", target->port == 16992 ? "http" : "https", target->fqdn,
                            target->port, target->path ? target->path : "/wsman");
    AUTO(text_free) char *tickets = text_format("KRB5CCNAME=FILE:%s", cache ? cache : "/nonexistent");
    AUTO(text_free) char *openssl = text_format("OPENSSL_CONF=%s", target->openssl_config);
    AUTO(command_result_clear) struct command_result result = { 0 };
    const char *argv[ARGUMENTS_MAX] = { "/usr/bin/env",  tickets,       openssl,
                                        "curl",          "--silent",    "--show-error",
                                        "--include",     "--insecure",  "--resolve",
                                        resolve,         "--write-out", "\n%{http_code}",
                                        "--data-binary", "@-",          url };
    size_t count = 0;

    while (argv[count])
        count++;
    for (size_t i = 0; words[i] && count + 1 < COUNT_OF(argv); i++)
        argv[count++] = words[i];
    return command_run(&result, body, CURL_TIMEOUT_MS, argv, err) && take_answer(url, &result, answer, err);
}

void web_answer_clear(struct web_answer *answer)
{
    text_free(&answer->text);
}

char *wsman_request(const char *action, const char *class, const char *selectors, const char *body)
{
    return text_format(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
        " xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
        " xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>%s</a:Action>"
        "<a:To>/wsman</a:To><a:MessageID>1</a:MessageID><w:ResourceURI>" AMT_SCHEMA "%s</w:ResourceURI>%s"
        "</s:Header><s:Body>%s</s:Body></s:Envelope>",
        action, class, selectors, body);
}

/* 200 must bring the instance. */
static bool judge(const struct web_answer *answer, const char *class, int *status, struct error *err)
{
    if (answer->status == 200 && !strstr(answer->text, class))
        return error_set(err, ERROR_PROTOCOL, "200 without an instance of %s: %.200s", class, answer->text);
    *status = answer->status;
    return true;
}

bool web_read_by_ticket(const struct web_target *target, const char *cache, const char *class, int *status,
                        struct error *err)
{
    AUTO(text_free) char *body = wsman_request(WSMAN_TRANSFER "Get", class, "", "");
    AUTO(web_answer_clear) struct web_answer answer = { 0 };

    return web_post(target, cache, (const char *[]){ "--negotiate", "--user", ":", NULL }, body, &answer,
                    err) &&
           judge(&answer, class, status, err);
}

static bool check_proof(struct negotiation *negotiation, const struct web_answer *answer, struct error *err)
{
    static const char header[] = "WWW-Authenticate: Negotiate ";
    const char *at = strstr(answer->text, header);
    AUTO(text_free) char *token = NULL;

    if (!at)
        return error_set(err, ERROR_PROTOCOL, "the answer has no token: %.200s", answer->text);
    at += strlen(header);
    token = text_format("%.*s", (int)strcspn(at, "\r\n"), at);
    return negotiation_finish(negotiation, token, err);
}

bool web_read_by_name(const struct web_target *target, const char *cache, const char *realm,
                      const char *class, int *status, struct error *err)
{
    AUTO(text_free) char *service = text_format("HTTP/%s:%u@%s", target->fqdn, target->port, realm);
    AUTO(text_free) char *body = wsman_request(WSMAN_TRANSFER "Get", class, "", "");
    AUTO(negotiation_free) struct negotiation *negotiation = NULL;
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    AUTO(text_free) char *token = NULL;
    AUTO(text_free) char *header = NULL;

    if (!negotiation_begin(&negotiation, cache, service, &token, err))
        return false;
    header = text_format("Authorization: Negotiate %s", token);
    return web_post(target, NULL, (const char *[]){ "--header", header, NULL }, body, &answer, err) &&
           (answer.status != 200 || check_proof(negotiation, &answer, err)) &&
           judge(&answer, class, status, err);
}
