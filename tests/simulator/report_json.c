#include "report_json.h"

#include "encoding.h"
#include "text.h"

void report_add(json_object *object, const char *name, json_object *value)
{
    json_object_object_add(object, name, value);
}

void report_add_text(json_object *object, const char *name, const char *value)
{
    report_add(object, name, value ? json_object_new_string(value) : NULL);
}

void report_add_number(json_object *object, const char *name, int64_t value)
{
    report_add(object, name, json_object_new_int64(value));
}

void report_add_flag(json_object *object, const char *name, bool value)
{
    report_add(object, name, json_object_new_boolean(value));
}

void report_add_flag_of(json_object *object, const char *name, bool has, bool value)
{
    report_add(object, name, has ? json_object_new_boolean(value) : NULL);
}

void report_add_hex(json_object *object, const char *name, const void *bytes, size_t length)
{
    struct text text = { 0 };

    hex_append(&text, bytes, length);
    report_add_text(object, name, text_value(&text));
    text_release(&text);
}

void report_add_base64(json_object *object, const char *name, const void *bytes, size_t length)
{
    struct text text = { 0 };

    base64_append(&text, bytes, length);
    report_add_text(object, name, text_value(&text));
    text_release(&text);
}
