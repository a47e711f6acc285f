#include "simulator.h"

#include "computer.h"
#include "mei_device.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct computer *simulator_find(struct simulator *simulator, const char *id)
{
    for (size_t i = 0; i < simulator->count; i++) {
        const struct device *device = simulator->computers[i]->device;

        if (!strcasecmp(device->uuid_text, id) || !strcmp(device->address_text, id))
            return simulator->computers[i];
    }
    return NULL;
}

static bool name_free(const struct simulator *simulator, const struct device *device, struct error *err)
{
    for (size_t i = 0; i < simulator->count; i++) {
        const struct device *other = simulator->computers[i]->device;

        if ((!memcmp(other->uuid, device->uuid, UUID_LENGTH) && !device->twin) ||
            other->address.s_addr == device->address.s_addr)
            return error_set(err, "there is a computer %s at %s already", other->uuid_text,
                             other->address_text);
    }
    return true;
}

bool simulator_add(struct simulator *simulator, struct device **device, struct error *err)
{
    struct computer *computer;

    if (!name_free(simulator, *device, err)) {
        device_destroy(device);
        return false;
    }
    computer = computer_create(simulator, device);
    if (!computer_open(computer, err) || (simulator->mei && !mei_device_add(simulator->mei, computer, err))) {
        computer_destroy(&computer);
        return false;
    }
    if (!(simulator->count & (simulator->count - 1))) /* room doubles at each power of two */
        simulator->computers = reallocate(simulator->computers,
                                          (simulator->count ? simulator->count * 2 : 1) * sizeof(computer));
    simulator->computers[simulator->count++] = computer;
    computer_begin_setup(computer);
    return true;
}

void simulator_release(struct simulator *simulator)
{
    mei_device_close(&simulator->mei);
    while (simulator->count)
        computer_destroy(&simulator->computers[--simulator->count]);
    free(simulator->computers);
    simulator->computers = NULL;
}
