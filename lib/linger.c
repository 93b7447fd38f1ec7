#include "lib/linger.h"

#include "lib/owner.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 65536 }; /* and one a round */

static struct lingering {
	struct loop *loop; /* NULL: free */
	struct lingering *next_free;
	struct loop_io io;
	struct loop_timer timer;
	size_t left;
} all[LINGER_MAX];

static struct lingering *first_free;
static size_t n_used, n_ever, most = LINGER_MAX;

static struct lingering *
get(void)
{
	struct lingering *l = first_free;

	if (n_used >= most)
		return NULL;
	if (l)
		first_free = l->next_free;
	else if (n_ever < LINGER_MAX)
		l = &all[n_ever++];
	if (l)
		n_used++;
	return l;
}

static void
end(struct lingering *l)
{
	loop_forget_closing(l->loop, &l->io);
	loop_timer_stop(l->loop, &l->timer);
	close(l->io.fd);
	*l = (struct lingering){.next_free = first_free};
	first_free = l;
	n_used--;
}

static ssize_t
drop(int fd)
{
	static char nowhere[PIECE];
	ssize_t n;

	do
		n = recv(fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Neither the end nor an error: something, or nothing for now. */
static bool
goes_on(ssize_t n)
{
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct lingering *l = OWNER(io, struct lingering, io);
	ssize_t n = drop(io->fd);

	(void)events;
	if (!goes_on(n) || (n > 0 && (size_t)n >= l->left))
		end(l);
	else if (n > 0)
		l->left -= (size_t)n;
}

static void
expired(struct loop_timer *timer)
{
	end(OWNER(timer, struct lingering, timer));
}

void
linger_take(struct loop *loop, int fd)
{
	struct lingering *l;

	if (shutdown(fd, SHUT_WR) != 0 || !goes_on(drop(fd)) || !(l = get())) {
		close(fd);
		return;
	}
	*l = (struct lingering){.loop = loop,
				.io = {fd, LOOP_READ, ready},
				.timer = {.expired = expired},
				.left = LINGER_BYTES};
	loop_watch(loop, &l->io);
	loop_timer_set(loop, &l->timer, LINGER_MS);
}

void
linger_limit(size_t n)
{
	most = n < LINGER_MAX ? n : LINGER_MAX;
}

size_t
linger_most(void)
{
	return most;
}

size_t
linger_n(void)
{
	return n_used;
}

void
linger_end(void)
{
	size_t i;

	for (i = 0; i < n_ever; i++)
		if (all[i].loop)
			end(&all[i]);
}
