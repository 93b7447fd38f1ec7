#include "lib/idmap.h"

#include "lib/die.h"

#include <stdlib.h>

enum { SMALLEST = 64 };

static size_t
home(const struct idmap *map, uint64_t id)
{
	return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (map->cap - 1);
}

static size_t
seek(const struct idmap *map, uint64_t id)
{
	size_t i = home(map, id);

	while (map->slots[i].id != 0 && map->slots[i].id != id)
		i = (i + 1) & (map->cap - 1);
	return i;
}

static void
grow(struct idmap *map)
{
	struct idmap old = *map;
	size_t i;

	map->cap = old.cap ? old.cap * 2 : SMALLEST;
	map->slots = calloc(map->cap, sizeof *map->slots);
	if (!map->slots)
		die_nomem();
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].id != 0)
			map->slots[seek(map, old.slots[i].id)] = old.slots[i];
	free(old.slots);
}

void
idmap_put(struct idmap *map, uint64_t id, void *value)
{
	size_t i;

	if (id == 0)
		die_bug("id 0 in a map");
	if (map->n + 1 > map->cap - map->cap / 4)
		grow(map);
	i = seek(map, id);
	if (map->slots[i].id == 0)
		map->n++;
	map->slots[i] = (struct idmap_slot){id, value};
}

void *
idmap_get(const struct idmap *map, uint64_t id)
{
	if (map->n == 0 || id == 0)
		return NULL;
	return map->slots[seek(map, id)].value;
}

/* Moves later members of the run back, so that no search ends too early. */
void
idmap_drop(struct idmap *map, uint64_t id)
{
	size_t hole, i, want;

	if (map->n == 0 || id == 0)
		return;
	hole = seek(map, id);
	if (map->slots[hole].id == 0)
		return;
	map->n--;
	for (i = (hole + 1) & (map->cap - 1); map->slots[i].id != 0;
	     i = (i + 1) & (map->cap - 1)) {
		want = home(map, map->slots[i].id);
		if (((i - want) & (map->cap - 1)) <
		    ((i - hole) & (map->cap - 1)))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct idmap_slot){0, NULL};
}

void *
idmap_any(struct idmap *map)
{
	if (map->n == 0)
		return NULL;
	while (map->slots[map->any & (map->cap - 1)].id == 0)
		map->any++;
	return map->slots[map->any & (map->cap - 1)].value;
}

void
idmap_free(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){0};
}
