/* destination_parts.h - what the destinations' own files share: their lines
 * and slots (destination_start.c, _call.c, _source.c), health and pace
 */
#ifndef QUAIL_QUEUE_DESTINATION_PARTS_H
#define QUAIL_QUEUE_DESTINATION_PARTS_H

#include "queue/destination.h"

/* an attempt begins; the timers of its health; the task that starts, the timer
 * that looks who waits; what is logged of its state; the limit is too high, or
 * what an answer says of it */
void
destination_began(struct destination *d);

void
destination_health_timers(struct destination *d);

void
destination_start_tasks(struct destinations *all);

void
destination_call_timers(struct destinations *all);

void
destination_log(const struct destination *d, const char *event, int64_t ms);

void
destination_lower_limit(struct destination *d);

void
destination_learn_pace(struct destination *d, const struct attempt *a);

/* destination_count - it runs at its destination (by: 1), or no more (-1) */
void
destination_count(struct attempt *a, int by);

/* destination_load - what runs here, as the limit counts it: recipients, each
 * of which is as much work as a message of one; but attempts by SMTP, where
 * each is one connection, and where a route says how many */
uint32_t
destination_load(const struct destination *d);

/* destination_doubt - whether it answers is in doubt from now on, or no more */
void
destination_doubt(struct destination *d, bool in_doubt);

/* destination_kind - that of a next hop "smtp:...", made if it is new
 *
 * _rank     where it stands in a line
 * _press    look in a while who waits for a slot
 * _no_line  it leaves the lines that it is in
 */
struct destinations_kind *
destination_kind(struct destinations *all, struct slice agent);

/* destinations_kind_waits - does one of that kind wait for an agent? */
bool
destinations_kind_waits(const struct destinations_kind *kind);

enum line_rank
destination_rank(const struct destination *d);

void
destination_press(struct destinations *all);

void
destination_no_line(struct destination *d);

/* destination_source_allows - has its source room for one more? If not, it
 * will be made ready when that has; as these:
 *
 * _take      one is to begin: count it; false: it must not
 * _took_not  it did not begin, or reached nobody
 * _runs      so many more run
 * _leave     out of its line
 * _wake      others may use what room is left
 * _tasks     in destinations_init
 */
bool
destination_source_allows(struct destination *d);

bool
destination_source_take(struct destination *d, struct attempt *a);

void
destination_source_took_not(struct destination *d, struct attempt *a);

void
destination_source_runs(struct destination *d, int by);

void
destination_source_leave(struct destination *d);

void
destination_source_wake(struct source *from);

void
destination_source_tasks(struct destinations *all);

#endif
