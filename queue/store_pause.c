#include "queue/store_pause.h"

#include "queue/store_index.h"

int
store_pause(struct store *st, struct message *m, bool is_paused)
{
	struct entry_p entry = {m->id, is_paused};
	struct buf payload = {0};
	size_t place;

	entry_p_put(&payload, &entry);
	if (store_make_room(st, RECORD_EXTRA + payload.len) != 0) {
		buf_free(&payload);
		return -1;
	}
	place = record_begin(&st->outcomes);
	buf_puts(&st->outcomes, buf_slice(&payload));
	record_end(&st->outcomes, place, 'P', st->current->segno, st->batch,
		   st->current->salt);
	store_index_p(&st->outcomes_index, m->id, is_paused);
	buf_free(&payload);
	m->is_paused = is_paused;
	if (st->settle_timer.slot == 0)
		loop_timer_set(st->loop, &st->settle_timer, STORE_SETTLE_MS);
	return 0;
}

int
store_pause_sync(struct store *st)
{
	store_put_late(st);
	return store_commit(st) == 0 && st->outcomes.len == 0 &&
		       st->late.len == 0 && !st->failed
		   ? 0
		   : -1;
}
