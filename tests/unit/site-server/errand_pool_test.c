/* Design 1: slow errands run beside the loop, and their results come back to it. */
#include "tests/unit/unit_test.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "errand/errand_pool.h"

#define PATIENCE_MS 20000
#define THREADS     3
#define CAPACITY    8

static struct {
    struct errand_pool *pool;
    sem_t gate; /* each errand passes once */
    atomic_int begun, ended, running, discarded;
} test;

struct task {
    int number, doubled;
};

static void *begin(const void *settings)
{
    test.begun++;
    return (void *)settings;
}

static void run(void *connections, void *task)
{
    struct task *errand = task;

    test.running++;
    sem_wait(&test.gate);
    test.running--;
    errand->doubled = *(const int *)connections * errand->number;
}

static void end(void *connections)
{
    (void)connections;
    test.ended++;
}

static void discard(void *task)
{
    test.discarded++;
    free(task);
}

static const struct errand_kind doubling = { "doubling", begin, run, end, discard };
static const int factor = 2;

static int set_up(void **state)
{
    struct error err = { 0 };

    (void)state;
    sem_init(&test.gate, 0, 0);
    test.begun = test.ended = test.running = test.discarded = 0;
    return errand_pool_open(&test.pool, &doubling, &factor, THREADS, CAPACITY, &err) ? 0 : -1;
}

static void open_gate(int errands)
{
    for (int i = 0; i < errands; i++)
        sem_post(&test.gate);
}

static int tear_down(void **state)
{
    (void)state;
    open_gate(CAPACITY);
    errand_pool_close(&test.pool);
    sem_destroy(&test.gate);
    return 0;
}

static bool post(int number)
{
    struct task *task = allocate(sizeof(*task));

    task->number = number;
    if (errand_post(test.pool, task))
        return true;
    free(task);
    return false;
}

static bool results_ready(int timeout_ms)
{
    struct pollfd fd = { .fd = errand_descriptor(test.pool), .events = POLLIN };

    return poll(&fd, 1, timeout_ms) == 1;
}

/* The sum of count results. */
static int collect(int count)
{
    int sum = 0;

    while (count > 0) {
        struct task *task = errand_collect(test.pool);

        if (task) {
            sum += task->doubled;
            free(task);
            count--;
        } else {
            assert_true(results_ready(PATIENCE_MS));
        }
    }
    return sum;
}

static void every_errand_is_carried_out_and_comes_back(void **state)
{
    (void)state;
    for (int i = 1; i <= CAPACITY; i++)
        assert_true(post(i));
    open_gate(CAPACITY);
    assert_int_equal(collect(CAPACITY), CAPACITY * (CAPACITY + 1));
    assert_int_equal(errand_count(test.pool), 0);
    assert_null(errand_collect(test.pool));
    assert_false(results_ready(0));
}

static void an_errand_more_than_the_pool_holds_stays_with_its_owner(void **state)
{
    (void)state;
    for (int i = 1; i <= CAPACITY; i++)
        assert_true(post(i));
    assert_false(post(1));
    open_gate(1);
    collect(1);
    assert_true(post(1));
    assert_int_equal(errand_count(test.pool), CAPACITY);
}

static void errands_run_beside_each_other(void **state)
{
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_true(post(i));
    while (test.running < THREADS)
        poll(NULL, 0, 1); /* would never end if one thread had to wait for another's errand */
}

static void what_no_thread_has_begun_can_be_withdrawn(void **state)
{
    struct task *task;
    int withdrawn = 0;

    (void)state;
    for (int i = 0; i < CAPACITY; i++)
        assert_true(post(i));
    while (test.running < THREADS)
        poll(NULL, 0, 1);
    while ((task = errand_withdraw(test.pool))) {
        withdrawn++;
        free(task);
    }
    assert_int_equal(withdrawn, CAPACITY - THREADS);
    assert_int_equal(errand_count(test.pool), THREADS);
    open_gate(THREADS);
    collect(THREADS);
    assert_true(post(1)); /* and the pool serves as before */
    open_gate(1);
    assert_int_equal(collect(1), 2);
}

static void closing_waits_for_what_runs_and_discards_every_task(void **state)
{
    (void)state;
    for (int i = 0; i < CAPACITY; i++)
        assert_true(post(i));
    while (test.running < THREADS)
        poll(NULL, 0, 1);
    open_gate(CAPACITY);
    errand_pool_close(&test.pool);
    assert_int_equal(test.discarded, CAPACITY);
    assert_int_equal(test.running, 0);
    assert_int_equal(test.begun, THREADS);
    assert_int_equal(test.ended, THREADS);
    assert_null(test.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_errand_is_carried_out_and_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_errand_more_than_the_pool_holds_stays_with_its_owner, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(errands_run_beside_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_no_thread_has_begun_can_be_withdrawn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_waits_for_what_runs_and_discards_every_task, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
