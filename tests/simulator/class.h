/*
 * class.h - a WS-Management class as a table row: its instances, its schema, its methods, who may use it.
 *
 * The class_*.c files define them, one file per subject; wsman.c runs operations on them.
 */
#ifndef SIMULATOR_CLASS_H
#define SIMULATOR_CLASS_H

#include "device.h"
#include "instance.h"
#include "request.h"

/* PT_STATUS (AMT SDK "Errors and return values"): ReturnValue of methods, AMT-STATUS in faults. */
enum amt_status {
    AMT_SUCCESS = 0,
    AMT_INTERNAL_ERROR = 1,
    AMT_NOT_READY = 2,
    AMT_INVALID_MODE = 3,
    AMT_INVALID_MESSAGE_LENGTH = 4,
    AMT_INVALID_NAME = 12,
    AMT_NOT_PERMITTED = 16,
    AMT_MAX_LIMIT_REACHED = 23,
    AMT_INVALID_DOMAIN_NAME = 28,
    AMT_INVALID_IP_ADDRESS = 27,
    AMT_INVALID_DHCP_MODE = 26,
    AMT_INVALID_PROVISIONING_STATE = 32,
    AMT_INVALID_TIME = 34,
    AMT_INVALID_INDEX = 35,
    AMT_INVALID_PARAMETER = 36,
    AMT_INVALID_NETMASK = 37,
    AMT_INVALID_PID_FORMAT = 42,
    AMT_INVALID_PPS_FORMAT = 43,
    AMT_RNG_NOT_READY = 48,
    AMT_INVALID_COMMAND = 2051,
    AMT_INVALID_HANDLE = 2053,
    AMT_INVALID_PASSWORD = 2054,
    AMT_INVALID_REALM = 2055,
    AMT_DATA_MISSING = 2057,
    AMT_DUPLICATE = 2058,
    AMT_PKI_MISSING_KEYS = 2060,
    AMT_PKI_GENERATING_KEYS = 2061,
    AMT_INVALID_KEY = 2062,
    AMT_INVALID_CERT = 2063,
    AMT_CERT_KEY_NOT_MATCH = 2064,
    AMT_MAX_KERB_DOMAIN_REACHED = 2065,
    AMT_UNSUPPORTED = 2066,
    AMT_NOT_FOUND = 2068,
    AMT_BLOCKING_COMPONENT = 2076,
    AMT_OPERATION_IN_PROGRESS = 2082,
    AMT_INTERFACE_DOES_NOT_EXIST = 2501,
};

enum realm {
    REALM_REDIRECTION = 2,
    REALM_ADMINISTRATION = 3,
    REALM_HARDWARE_ASSET = 4,
    REALM_REMOTE_CONTROL = 5,
    REALM_NETWORK_TIME = 12,
    REALM_GENERAL_INFO = 13,
    REALM_AUDIT_LOG = 20,
    REALM_ACL = 21,
};
#define MAY(realm) (1u << (realm))

/* Who has logged in on a connection. */
struct identity {
    char user[64];
    bool administrator; /* admin, or the setup session */
    uint32_t realms;
};

enum after_answer {
    AFTER_NOTHING,
    AFTER_RESTART, /* TLS settings or the provisioning state changed: the network comes back with the new ones
                    */
    AFTER_CLOSE,   /* the network interface is off for good */
};

struct call {
    struct device *device;
    const struct request *request;
    const struct identity *identity;
    struct fault fault;
    enum after_answer after;
};

enum value_type {
    TYPE_TEXT,
    TYPE_NUMBER,
    TYPE_SHORT,
    TYPE_BYTE,
    TYPE_FLAG,
    TYPE_BASE64,
    TYPE_HEX,
    TYPE_REFERENCE,
    TYPE_EMBEDDED,
    TYPE_DATETIME
};
enum { REQUIRED = 1, LIST = 2 };

/* A method parameter or a property; a list of them ends with one without a name. */
struct parameter {
    const char *name;
    enum value_type type;
    unsigned flags;
};

struct method {
    const char *name; /* NULL ends the list */
    /* Returns the ReturnValue; on success may have written out parameters, prefix g. input: the _INPUT
     * element. */
    uint32_t (*run)(struct call *call, const xmlNode *input, struct text *out);
    const struct parameter *parameters; /* NULL: none */
    bool reads_only;
    uint32_t realms;                              /* 0: as for writing the class */
    bool (*present)(const struct device *device); /* NULL: wherever the class is */
};

struct class
{
    const char *name, *schema;
    const char *keys[5];                            /* selector names; NULL ends them */
    bool (*present)(const struct device *device);   /* NULL: on every computer */
    unsigned (*count)(const struct device *device); /* NULL: exactly one instance */
    void (*describe)(struct device *device, unsigned index, struct instance *instance);
    /* Keys that are references; NULL: keys are compared as text. */
    bool (*matches)(struct device *device, unsigned index, const struct selectors *selectors);
    const struct parameter *properties; /* what Put and Create may carry */
    /* Put and Create fill call->fault when they refuse. body: the instance element, its schema checked. */
    void (*put)(struct call *call, unsigned index, const xmlNode *body);
    void (*create)(struct call *call, const xmlNode *body);
    void (*remove)(struct call *call, unsigned index);
    const struct method *methods;
    uint32_t read_realms, write_realms;
};

/* Tables of the class_*.c files; each ends with a class without a name. */
extern const struct class setup_classes[], general_classes[], acl_classes[], key_classes[], tls_classes[],
    redirection_classes[], kerberos_classes[], power_classes[], wireless_classes[], wired_classes[],
    inventory_classes[], crl_classes[];

const struct class *class_find(const char *uri); /* NULL: no such class */
const struct method *class_method(const struct class *class, const char *name);
unsigned class_count(const struct class *class, const struct device *device);

/* Whether that user has one of the realms. */
bool identity_may(const struct identity *identity, uint32_t realms);

/* Refuses with InternalError and AMT-STATUS, the way the firmware explains a failed Put, Create or Delete. */
void refuse(struct call *call, enum amt_status status);
void refuse_with(struct call *call, enum fault_kind kind);

/* Every child known, in the right namespace, of the right type; the required ones there. */
bool schema_check(const xmlNode *element, const char *space, const struct parameter *parameters);

bool value_valid(const xmlNode *node, enum value_type type);

/* Values of children; false or NULL: absent. */
const xmlNode *value_node(const xmlNode *parent, const char *name);
bool value_number(const xmlNode *parent, const char *name, uint32_t *number);
bool value_flag(const xmlNode *parent, const char *name, bool *flag);
char *value_text(const xmlNode *parent, const char *name); /* owned by the caller */
bool value_bytes(const xmlNode *parent, const char *name, unsigned char **bytes, size_t *length);
/* All elements of that name, at most max; returns how many there are. */
unsigned value_numbers(const xmlNode *parent, const char *name, uint32_t *numbers, unsigned max);
bool value_reference(const xmlNode *parent, const char *name, struct reference *reference);

/* A handle from an InstanceID such as "Intel(r) AMT Key: Handle: 3"; NO_HANDLE: none. */
int64_t handle_of(const char *instance_id, const char *prefix);
bool password_strong(const char *password, size_t shortest, size_t longest);

#endif
