#include "queue/gather.h"

void
gather_batch(struct gather *g, int64_t begun_us, int64_t ended_us, size_t n)
{
	*g = (struct gather){
	    .ended_us = ended_us, .took_us = ended_us - begun_us, .n_told = n};
}

int64_t
gather_rest_us(struct gather *g, int64_t now_us, size_t waits)
{
	int64_t took = g->took_us, rest, left;

	if (took > (int64_t)GATHER_MAX_US * GATHER_REST)
		took = (int64_t)GATHER_MAX_US * GATHER_REST;
	rest = took / GATHER_REST;
	left = took / GATHER_ALL - (now_us - g->ended_us);
	if (g->n_told < 2 || rest < GATHER_MIN_US || left < rest ||
	    left > took || (g->has_rested && waits == g->seen))
		return 0;
	g->has_rested = true;
	g->seen = waits;
	return rest;
}
