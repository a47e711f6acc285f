#include "directory/directory_errand.h"

#include <stdlib.h>
#include <string.h>

#include "directory/directory_name.h"
#include "directory/kerberos_key.h"

struct directory_worker {
    const struct directory_settings *settings;
    struct directory_link link;
};

void directory_task_clear(struct directory_task *task)
{
    free(task->fqdn);
    free(task->account_name);
    secret_free(&task->password);
    object_found_clear(&task->found);
    kerberos_account_free(&task->kerberos);
    bytes_free(&task->sid);
    memset(task, 0, sizeof(*task));
}

static bool keep(struct directory_worker *worker, struct directory_task *task)
{
    const struct object_wanted wanted = {
        .uuid = task->uuid,
        .fqdn = task->fqdn,
        .encryption_types = kerberos_encryptions_of(task->amt_major),
        .guid = task->guid,
        .account_name = task->account_name,
        .key_version = task->key_version,
        .password = task->password,
        .new_password = task->new_password,
    };
    struct kerberos_principal principal = { .fqdn = task->fqdn,
                                            .password = task->password,
                                            .amt_major = task->amt_major };

    if (!computer_object_keep(&worker->link, &worker->settings->object, &wanted, &task->found, &task->err))
        return false;
    principal.domain = task->found.domain;
    principal.account_name = task->found.account_name;
    principal.key_version = task->found.key_version;
    if (!kerberos_account_make(&principal, &task->kerberos, &task->err))
        return false;
    task->kerberos->key_is_new = task->found.password_set || !task->key_in_firmware;
    return true;
}

struct directory_worker *directory_worker_new(const struct directory_settings *settings)
{
    struct directory_worker *worker = allocate(sizeof(*worker));

    worker->settings = settings;
    worker->link.domain = ldap_session_new(&settings->ldap, false);
    worker->link.catalog = ldap_session_new(&settings->ldap, true);
    return worker;
}

void directory_worker_free(struct directory_worker **worker)
{
    struct directory_worker *ending = TAKE(*worker);

    if (!ending)
        return;
    ldap_session_free(&ending->link.domain);
    ldap_session_free(&ending->link.catalog);
    free(ending);
}

void directory_worker_run(struct directory_worker *worker, struct directory_task *task)
{
    switch (task->work) {
    case DIRECTORY_KEEP:
        task->done = keep(worker, task);
        break;
    case DIRECTORY_REMOVE:
        task->done = computer_object_remove(&worker->link, &worker->settings->object, &task->uuid,
                                            &task->guid, &task->err);
        break;
    case DIRECTORY_LOOK_UP:
        task->done = directory_name_look_up(&worker->link, task->fqdn, &task->sid, &task->err);
        break;
    }
}

void directory_use_keytab(const char *path)
{
    setenv("KRB5_CLIENT_KTNAME", path, 1);
    setenv("KRB5CCNAME", "MEMORY:amt-site-server", 1);
}
