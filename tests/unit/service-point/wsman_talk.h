/*
 * wsman_talk.h - a connection to a fake device that answers with WS-Management bodies, and what was sent to
 * it.
 */
#ifndef TESTS_WSMAN_TALK_H
#define TESTS_WSMAN_TALK_H

#include <stdio.h>
#include <string.h>

#include "fake_identity.h"
#include "firmware/connection.h"

static struct connection *connection;
static char answers[FAKE_REQUESTS_MAX][8192];

/* Starts a device that gives these bodies, the last one a NULL; after a fault it closes, as AMT does. */
static void talk_to_device_that_answers(const char *const *bodies)
{
    struct connection_target target = { .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust };

    memset(&device, 0, sizeof(device));
    err = (struct error){ 0 };
    device.identity = &device_identity;
    for (size_t i = 0; bodies[i]; i++) {
        bool fault = strncmp(bodies[i], "<a:Fault>", 9) == 0;
        char envelope[7168];

        snprintf(
            envelope, sizeof(envelope),
            "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""
            " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
            " xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><a:Header>"
            "<b:Action a:mustUnderstand=\"true\">x</b:Action></a:Header><a:Body>%s</a:Body></a:Envelope>",
            bodies[i]);
        snprintf(answers[i], sizeof(answers[i]),
                 "HTTP/1.1 %s\r\nServer: Intel(R) Active Management Technology 12.0.67.1579\r\n%s"
                 "Content-Length: %zu\r\n\r\n%s",
                 fault ? "400 Bad Request" : "200 OK", fault ? "Connection: close\r\n" : "", strlen(envelope),
                 envelope);
        device.script[i].text = answers[i];
        device.script[i].ending = fault ? FAKE_CLOSES_AFTER : FAKE_KEEPS;
    }
    fake_start(&device);
    target.port = device.port;
    assert_true(connection_open(&connection, &target, &err));
}

static void hang_up(void)
{
    connection_close(&connection);
    fake_stop(&device);
}

static void assert_sent(size_t request, const char *part)
{
    if (!strstr(device.requests[request], part))
        fail_msg("request %zu has no %s:\n%s", request, part, device.requests[request]);
}

#endif
