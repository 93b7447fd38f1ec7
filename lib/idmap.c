#include "lib/idmap.h"

#include "lib/die.h"

#include <stdlib.h>

/* From LARGE on, memory counts for more than the time to grow. */
enum { SMALLEST = 64, LARGE = 65536 };

static size_t
home(const struct idmap *map, uint64_t id)
{
	uint64_t hash = (id * 0x9e3779b97f4a7c15u) >> 32;

	return (size_t)(hash * map->cap >> 32);
}

static size_t
behind(const struct idmap *map, size_t i)
{
	return i + 1 == map->cap ? 0 : i + 1;
}

/* How far i is behind `from`, going round. */
static size_t
distance(const struct idmap *map, size_t from, size_t i)
{
	return i >= from ? i - from : i + map->cap - from;
}

static size_t
seek(const struct idmap *map, uint64_t id)
{
	size_t i = home(map, id);

	while (map->slots[i].id != 0 && map->slots[i].id != id)
		i = behind(map, i);
	return i;
}

static void
grow(struct idmap *map)
{
	struct idmap old = *map;
	size_t i;

	map->cap = old.cap == 0	     ? SMALLEST
		   : old.cap < LARGE ? old.cap * 2
				     : old.cap + old.cap / 4;
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
	if (map->n + 1 > map->cap - map->cap / 8)
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
	for (i = behind(map, hole); map->slots[i].id != 0; i = behind(map, i)) {
		want = home(map, map->slots[i].id);
		if (distance(map, want, i) < distance(map, hole, i))
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
	if (map->any >= map->cap)
		map->any = 0;
	while (map->slots[map->any].id == 0)
		map->any = behind(map, map->any);
	return map->slots[map->any].value;
}

void
idmap_free(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){0};
}
