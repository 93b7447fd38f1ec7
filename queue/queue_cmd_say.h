/* queue_cmd_say.h - printing items, for people and as JSON
 *
 * For people: 80 columns where it can be, and nothing that a terminal
 * would obey: bytes that are no printable ASCII appear as \xNN. JSON is one
 * document whatever the bytes: valid UTF-8 stands as it is, any other byte
 * and any control character as \u00NN.
 *
 * Test  tests/queue_cmd.t, tests/queue_hostile.t
 */
#ifndef QUAIL_QUEUE_QUEUE_CMD_SAY_H
#define QUAIL_QUEUE_QUEUE_CMD_SAY_H

#include "lib/slice.h"

#include <stdint.h>
#include <stdio.h>

struct say {
	bool is_json;
	bool is_show;	 /* messages at length, not in a list */
	bool is_figures; /* one object, not a list of them */
	uint64_t n;	 /* items of the outermost kind so far */
	uint64_t n_bytes;
	uint64_t n_rcpts; /* of this message so far */
	int64_t now_s;
	bool in_message;
};

/* say_item - print an item of type m, r, a, d, h or s */
void
say_item(struct say *say, char type, struct slice body);

/* say_end - what follows the last item; a list of messages is counted */
void
say_end(struct say *say, bool are_messages);

/* say_bytes, say_to - print them so that a terminal obeys none */
void
say_bytes(struct slice s);

void
say_to(FILE *out, struct slice s);

/* json_item, json_end - the same, for say.is_json */
void
json_item(struct say *say, char type, struct slice body);

void
json_end(struct say *say);

/* json_figure - one member of the object that say.is_figures is about */
void
json_figure(struct say *say, struct slice key, struct slice value);

#endif
