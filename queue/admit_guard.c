/* admit_guard.c - admit.h at the queue's three sockets */
#include "queue/admit.h"
#include "queue/control.h"
#include "queue/dispatch.h"
#include "queue/intake.h"

static bool
door(struct intake *in, int fd, struct intake_caller *who)
{
	who->fronts = admit_door(in->admit, fd, &who->uid);
	return who->fronts != 0 && !admit_crowd(in->admit, ADMIT_DOOR, who->uid,
						intake_links(in, who->uid));
}

static bool
agent(struct dispatch *d, int fd, uid_t *uid)
{
	return admit_agent(d->admit, fd, uid) &&
	       !admit_crowd(d->admit, ADMIT_AGENT, *uid,
			    dispatch_links(d, *uid));
}

static bool
may_serve(struct dispatch *d, uid_t uid, struct slice name)
{
	const char *why =
	    admit_hello(d->admit, uid, name, dispatch_serving(d, name));

	if (why)
		admit_refuse(ADMIT_AGENT, uid, name, why);
	return !why;
}

static bool
control(struct control *c, int fd)
{
	return admit_control(c->admit, fd);
}

void
admit_guard(struct admit *a, struct intake *in, struct dispatch *d,
	    struct control *c)
{
	in->admit = d->admit = c->admit = a;
	in->admits = door;
	d->admits = agent;
	d->may_serve = may_serve;
	c->admits = control;
}
