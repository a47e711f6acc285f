/*
 * directory_errand.h - what threads do in the directory, as tasks for an errand pool: plain memory, no
 * database. Each thread has its own connections.
 */
#ifndef DIRECTORY_DIRECTORY_ERRAND_H
#define DIRECTORY_DIRECTORY_ERRAND_H

#include "common/message.h"
#include "directory/computer_object.h"

struct directory_settings {
    struct ldap_settings ldap;
    struct object_settings object;
};

enum directory_work {
    DIRECTORY_KEEP,    /* create or repair the computer's object */
    DIRECTORY_REMOVE,  /* delete it */
    DIRECTORY_LOOK_UP, /* the SID of a user or group */
};

struct directory_task {
    enum directory_work work;
    struct uuid uuid;
    char *fqdn; /* of DIRECTORY_LOOK_UP: DOMAIN\name, and the UUID is none */
    struct object_guid guid;

    /* of DIRECTORY_KEEP */
    struct attempt_id attempt; /* that asked for it */
    unsigned amt_major;        /* 0: not known */
    char *account_name;        /* see struct object_wanted */
    uint32_t key_version;
    struct secret *password;
    int64_t password_id; /* amt_store.secret */
    bool new_password;
    bool rotates;         /* the new password was asked for by the job */
    bool key_in_firmware; /* a job put the password's key there */

    /* what came of it */
    bool done;
    struct error err; /* when not done */
    struct object_found found;
    struct kerberos_account *kerberos;
    struct bytes sid; /* of DIRECTORY_LOOK_UP */
};

void directory_task_clear(struct directory_task *task);
/* The connections of a thread; settings is borrowed as long as they are. */
struct directory_worker;
struct directory_worker *directory_worker_new(const struct directory_settings *settings);
void directory_worker_free(struct directory_worker **worker);
/* Carries the task out. */
void directory_worker_run(struct directory_worker *worker, struct directory_task *task);

/* Before the first thread: where libkrb5 finds our account's key, and keeps its tickets in memory. */
void directory_use_keytab(const char *path);

#endif
