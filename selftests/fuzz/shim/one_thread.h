/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of a kernel as the guest's bus needs, in one thread. Who waits for the host hands the thread over: world_turn()
 * lets the host say its next thing, and the work it caused run, until what was waited for has happened or the host has
 * nothing more to say, which is a time-out. A lock taken twice is a deadlock, and ends the run.
 * Invariant: work runs from world_turn() and flushes only, never two of one ordered queue at a time. In other queues one
 * runs while another waits for the host, but none twice at a time.
 */
#ifndef SHIM_ONE_THREAD_H
#define SHIM_ONE_THREAD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <asm/barrier.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>

/* The target's: the host's next turn. Return: false if there will be no more. */
bool world_turn(void);

#define shim_must(condition)                                                              \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                          \
		}                                                                         \
	} while (0)

#define HZ	  1000
#define PAGE_SIZE 4096ul
#define __aligned(n) __attribute__((aligned(n)))
#define ____cacheline_aligned_in_smp
#define BITS_PER_LONG 64
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + 63) / 64]
#define DIV_ROUND_UP_ULL(n, d) (((u64)(n) + (d)-1) / (d))

/* time */
extern unsigned long jiffies;
typedef s64 ktime_t;
static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}
static inline unsigned int jiffies_to_msecs(unsigned long ticks)
{
	return (unsigned int)ticks;
}
#define time_before(a, b) ((long)((a) - (b)) < 0)
static inline ktime_t ktime_get(void)
{
	return (ktime_t)jiffies;
}
#define ktime_add_ms(t, ms) ((t) + (ms))
#define ktime_after(a, b)   ((a) > (b))
static inline void fsleep(unsigned long us)
{
	jiffies += 1 + us / 1000;
}
#define mdelay(ms) fsleep((ms) * 1000ul)
#define touch_nmi_watchdog() ((void)0)
#define cond_resched()	     ((void)0)

/* locks */
typedef struct {
	bool held;
} spinlock_t;
struct mutex {
	bool held;
};
static inline void shim_lock(bool *held)
{
	shim_must(!*held);
	*held = true;
}
static inline void shim_unlock(bool *held)
{
	shim_must(*held);
	*held = false;
}
#define spin_lock_init(lock)		    ((lock)->held = false)
#define spin_lock_irq(lock)		    shim_lock(&(lock)->held)
#define spin_unlock_irq(lock)		    shim_unlock(&(lock)->held)
#define spin_lock_irqsave(lock, flags)	    ((flags) = 0, shim_lock(&(lock)->held))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), shim_unlock(&(lock)->held))
#define mutex_init(lock)		    ((lock)->held = false)
#define mutex_lock(lock)		    shim_lock(&(lock)->held)
#define mutex_unlock(lock)		    shim_unlock(&(lock)->held)
#define lockdep_assert_held(lock)	    shim_must((lock)->held)

/* atomics: there is one thread */
#define atomic_read(v)	      ((v)->counter)
#define atomic_set(v, n)      ((v)->counter = (n))
#define atomic_inc_return(v)  (++(v)->counter)
static inline int atomic_cmpxchg(atomic_t *v, int from, int to)
{
	int was = v->counter;

	if (was == from)
		v->counter = to;
	return was;
}

static inline void set_bit(unsigned int bit, unsigned long *map)
{
	map[bit / 64] |= 1ul << bit % 64;
}
static inline void clear_bit(unsigned int bit, unsigned long *map)
{
	map[bit / 64] &= ~(1ul << bit % 64);
}
static inline bool test_bit(unsigned int bit, const unsigned long *map)
{
	return map[bit / 64] >> bit % 64 & 1;
}
#include <shim_bits.h>

#define for_each_set_bit(bit, map, bits)          \
	for ((bit) = 0; (bit) < (bits); (bit)++) \
		if (test_bit(bit, map))

#define atomic_inc(v)	       ((void)(v)->counter++)
/* but for a unit test that lets several have a go at a slot */
#define atomic64_read(v)	       __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic64_read_acquire(v)    __atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic64_set_release(v, n)  __atomic_store_n(&(v)->counter, n, __ATOMIC_RELEASE)
static inline s64 atomic64_cmpxchg(atomic64_t *v, s64 from, s64 to)
{
	__atomic_compare_exchange_n(&v->counter, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return from;
}
static inline bool test_and_clear_bit(unsigned int bit, unsigned long *map)
{
	bool was = test_bit(bit, map);

	clear_bit(bit, map);
	return was;
}
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
/* Switches in the code that are off. */
struct static_key_false {
	int unused;
};
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name
#define static_branch_unlikely(key)    0
#define local_clock()		       0ull

struct kref {
	int count;
};
#define kref_init(ref) ((ref)->count = 1)
static inline void kref_get(struct kref *ref)
{
	shim_must(ref->count > 0);
	ref->count++;
}
static inline void kref_put(struct kref *ref, void (*release)(struct kref *ref))
{
	shim_must(ref->count > 0);
	if (!--ref->count)
		release(ref);
}

/* lists */
struct list_head {
	struct list_head *next, *prev;
};
#define INIT_LIST_HEAD(head) ((head)->next = (head)->prev = (head))
static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}
static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry->prev = NULL;
}
static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))
static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}
#define list_for_each_entry(pos, head, member)                             \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); \
	     &pos->member != (head); pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)                      \
	for (pos = list_entry((head)->prev, __typeof__(*pos), member),          \
	    n = list_entry(pos->member.prev, __typeof__(*pos), member);         \
	     &pos->member != (head);                                               \
	     pos = n, n = list_entry(n->member.prev, __typeof__(*n), member))

/* memory */
#define GFP_KERNEL 0
#define __GFP_ZERO 1
#define kzalloc(bytes, flags)		  calloc(1, bytes)
#define kcalloc(n, bytes, flags)	  calloc(n, bytes)
#define kfree(p)			  free(p)
#define kvmalloc(bytes, flags)		  malloc(bytes)
#define kvmalloc_array(n, bytes, flags)	  calloc(n, bytes)
#define kvfree(p)			  free(p)
struct page {
	struct page *next, **link; /* among those that are allocated */
};
extern unsigned int shim_pages; /* allocated and not freed */
extern unsigned int shim_pages_leaked; /* of them, given up on purpose: the log said so */
void shim_pages_forget(void); /* free what is left */
extern void (*shim_page_freed)(const struct page *page); /* told before, or NULL */
struct page *alloc_pages_node(int node, gfp_t flags, unsigned int order);
void __free_page(struct page *page);
unsigned long get_zeroed_page(gfp_t flags);
void free_page(unsigned long address);
#define page_to_pfn(page)   ((u64)(uintptr_t)(page) >> 4)
#define virt_to_phys(p)	    ((u64)(uintptr_t)(p))
#define VM_MAP		    0
#define PAGE_KERNEL	    0
#define vmap(list, n, flags, prot) ((void)(list), calloc(n, PAGE_SIZE))
#define vunmap(p)		   free(p)
#define cpu_to_node(cpu)	   0
#define nr_cpu_ids		   2u
#define cpu_possible(cpu)	   ((cpu) < nr_cpu_ids)

/* completions and waits */
struct completion {
	unsigned int done;
};
typedef struct {
	int unused;
} wait_queue_head_t;
#define init_completion(x)	   ((x)->done = 0)
#define complete(x)		   ((x)->done++)
#define init_waitqueue_head(queue) ((void)(queue))
#define wake_up_all(queue)	   ((void)(queue))
#define wq_has_sleeper(queue)	   ((void)(queue), false)
static inline unsigned long wait_for_completion_timeout(struct completion *x, unsigned long ticks)
{
	while (!x->done && world_turn())
		;
	jiffies += x->done ? 0 : ticks;
	return x->done ? 1 : 0;
}
#define wait_event_timeout(queue, condition, ticks)         \
	({                                                  \
		while (!(condition) && world_turn())        \
			;                                   \
		(condition) ? 1l : (jiffies += (ticks), 0l); \
	})

/* work */
struct work_struct {
	struct work_struct *next;
	void (*func)(struct work_struct *work);
	bool queued;
};
struct workqueue_struct {
	struct work_struct *first, **last;
	unsigned int running;
	bool ordered;
};
#define WQ_MEM_RECLAIM 0
#define WQ_UNBOUND 0
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
#define INIT_WORK(work, f) (*(work) = (struct work_struct){ .func = (f) })
struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool shim_run_one(struct workqueue_struct *wq); /* Return: it ran something */
void flush_workqueue(struct workqueue_struct *wq);
void flush_work(struct work_struct *work);
void destroy_workqueue(struct workqueue_struct *wq);
struct delayed_work {
	struct work_struct work;
};
extern struct workqueue_struct *system_unbound_wq;
#define INIT_DELAYED_WORK(delayed, f)		 INIT_WORK(&(delayed)->work, f)
#define to_delayed_work(w)			 container_of(w, struct delayed_work, work)
#define queue_delayed_work(wq, delayed, ticks)	 queue_work(wq, &(delayed)->work)
void cancel_delayed_work_sync(struct delayed_work *delayed);
struct kthread_worker;
struct kthread_work {
	int unused;
};
struct irq_work {
	int unused;
};
typedef struct {
	int unused;
} call_single_data_t;
struct timer_list {
	int unused;
};

/* the driver model */
struct module;
struct platform_device;
struct kobject;
struct kset;
struct attribute_group;
struct dentry;
struct device_dma_parameters {
	int unused;
};
struct device {
	void *driver_data;
};
#define dev_name(dev)			((void)(dev), "device")
#define dev_warn_ratelimited(dev, ...)	((void)(dev), shim_log(__VA_ARGS__))
struct device_driver {
	const char *name;
};
#define get_device(dev) ((void)(dev))
#define put_device(dev) ((void)(dev))

/* tracepoints */
#define TRACE_DEFINE_ENUM(value)
#define TP_PROTO(...) __VA_ARGS__
#define TRACE_EVENT(name, proto, args, entry, assign, print) \
	static inline void __attribute__((unused)) trace_##name(proto) {}

#endif
