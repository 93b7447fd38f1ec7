#include "lib/elapsed.h"

#include "lib/clock.h"

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
elapsed_begin(struct elapsed *e)
{
	e->wall_s = clock_s();
	e->boot_s = clock_boot_s();
	e->at_s = e->wall_s;
}

void
elapsed_resume(struct elapsed *e, const struct elapsed *kept)
{
	int64_t away_s = ELAPSED_AWAY_S;

	elapsed_begin(e);
	away_s = smaller(away_s, e->wall_s - kept->wall_s);
	if (e->boot_s >= kept->boot_s)
		away_s = smaller(away_s, e->boot_s - kept->boot_s);
	e->at_s = kept->at_s + (away_s > 0 ? away_s : 0);
}

int64_t
elapsed_s(const struct elapsed *e)
{
	return e->at_s + clock_boot_s() - e->boot_s;
}

int64_t
elapsed_jump_s(const struct elapsed *e)
{
	int64_t by_s = (clock_s() - e->wall_s) - (clock_boot_s() - e->boot_s);

	return by_s > -ELAPSED_JUMP_S && by_s < ELAPSED_JUMP_S ? 0 : by_s;
}

void
elapsed_renew(struct elapsed *e)
{
	int64_t at_s = elapsed_s(e);

	elapsed_begin(e);
	e->at_s = at_s;
}

static void
put(struct buf *out, int64_t s)
{
	buf_number(out, s > 0 ? (uint64_t)s : 0);
}

void
elapsed_put(struct buf *out, const struct elapsed *e)
{
	put(out, elapsed_s(e));
	buf_putc(out, ' ');
	put(out, clock_s());
	buf_putc(out, ' ');
	put(out, clock_boot_s());
}

static int
take(struct slice *rest, int64_t *s)
{
	uint64_t n;

	if (slice_number(slice_word(rest), INT64_MAX / 2, &n) != 0)
		return -1;
	*s = (int64_t)n;
	return 0;
}

int
elapsed_take(struct slice *rest, struct elapsed *kept)
{
	return take(rest, &kept->at_s) == 0 && take(rest, &kept->wall_s) == 0 &&
		       take(rest, &kept->boot_s) == 0
		   ? 0
		   : -1;
}
