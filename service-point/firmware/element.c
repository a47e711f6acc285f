#include "firmware/element.h"

#include <string.h>

bool element_is_next(struct soap *soap, const char *tag)
{
    return soap_peek_element(soap) == SOAP_OK && soap_match_tag(soap, soap->tag, tag) == SOAP_OK;
}

void *element_read(struct soap *soap, const char *tag, element_reader *read, bool lenient)
{
    void *element;

    if (!element_is_next(soap, tag)) {
        soap->error = soap->error ? soap->error : SOAP_TAG_MISMATCH;
        return NULL;
    }
    soap->mode |= lenient ? SOAP_XML_IGNORENS : 0;
    element = read(soap, tag);
    soap->mode &= ~SOAP_XML_IGNORENS;
    return element;
}

const char *local_name(const char *qualified)
{
    const char *colon = qualified ? strrchr(qualified, ':') : NULL;

    return colon ? colon + 1 : qualified;
}

bool text_take(char *out, size_t out_size, const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (length >= out_size)
        return false;
    memcpy(out, text ? text : "", length + 1);
    return true;
}

bool flag_of(const enum xsd__boolean *property)
{
    return property && *property == true_;
}

unsigned number_of(const unsigned *property)
{
    return property ? *property : 0;
}

unsigned short_of(const unsigned short *property)
{
    return property ? *property : 0;
}

unsigned byte_of(const unsigned char *property)
{
    return property ? *property : 0;
}
