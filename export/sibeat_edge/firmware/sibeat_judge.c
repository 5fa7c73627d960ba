/* SPDX-License-Identifier: MIT */
#include "sibeat_judge.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* As in sibeat_edge.beats.judge, where each is explained. */
#define CLEAN 10.0f
#define CALM 8.0f
#define OWN 0.93f
#define OWN_KIND 0.94f
#define NEAR 0.32f
#define ON_TIME 0.1f
#define SHAPE 0.58f
#define SHAPE_EARLY 0.5f
#define EARLY_KIND 0.05f
#define EARLIER_KIND 0.2f
#define IRREGULAR 0.5f
#define ABERRANT 0.75f
#define ABERRANT_SCORE 0.1f
#define EARLY 0.12f /* of .timing */
/* As in sibeat_edge.beats.evidence. */
#define BACK 2
#define CLEANER 12.0f
#define ODD 8.0f
#define AWAY 0.5f
#define CROWDED 0.7f
#define REACH 6
#define FEWEST 4
#define SAME_QRS 0.95f
#define PREMATURE 0.12f
#define ALIKE 0.9f /* of .kinds, too */
#define BELIEVED_ENOUGH 2
#define MEMORY 8.0f /* of .kinds, too */
#define BELIEVED_HALF_LIFE 300.0f
/* As in sibeat_edge.beats.sizes. */
#define SIZES_LEAST 0.18f
#define SIZES_SPREADS 3.0f
#define SIZES_FIRST 0.1f
#define SIZES_OWN 32.0f
#define SIZES_PREMATURE 16
#define SIZES_ENOUGH 4
/* As in sibeat_edge.beats.kinds. */
#define ALIKE_IN_NOISE 0.8f
#define RECENT 32
#define HALF_LIFE 600.0f
#define ENOUGH 4

#define HISTORY SIBEAT_JUDGE_HISTORY
#define LONGEST 1e6f /* s, 11 days: no interval between two beats is as long */
#define TIE 1e-5f /* difference in worth below which the older kind goes */
#define KEPT (SIBEAT_JUDGE_LATER + 1)

#define MOST_INTERVAL 2047u /* of 11 bits */
#define NUMBERS 32768       /* of kinds, that are told apart */

typedef char sibeat_judge_kinds_fit[SIBEAT_JUDGE_KINDS < SIBEAT_JUDGE_KIND_FORGOTTEN && SIBEAT_HEAPS_BINS < 64 ? 1 : -1];
typedef char sibeat_judge_history_is_kept[HISTORY <= SIBEAT_NEWEST ? 1 : -1];

void sibeat_judge_init(sibeat_judge *judge, int centre, int length, int leads)
{
    memset(judge, 0, sizeof *judge);
    judge->centre = centre;
    judge->length = length;
    judge->leads = leads;
    judge->sizes.own = NAN;
    judge->sizes.spread = SIZES_FIRST;
    sibeat_timing_init(&judge->timing);
}

/* Means of shapes are kept in two bytes for each sample. */
static float product(const sibeat_share *mean, const float *shape)
{
    float sum = 0.0f;

    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        sum += (float)mean[k] * shape[k];
    return sum / SIBEAT_SHARES;
}

static float length_of(const sibeat_share *mean)
{
    float squares = 0.0f;

    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        squares += (float)mean[k] / SIBEAT_SHARES * ((float)mean[k] / SIBEAT_SHARES);
    return sqrtf(squares);
}

static sibeat_share share_of(float value)
{
    return (sibeat_share)rintf(value * SIBEAT_SHARES);
}

static void store(const float *shape, sibeat_share *mean)
{
    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        mean[k] = share_of(shape[k]);
}

/* A mean's sample, moved towards a shape. */
static float moved(const sibeat_share *mean, const float *shape, int k)
{
    const float value = (float)mean[k] / SIBEAT_SHARES;

    return value + (shape[k] - value) / MEMORY;
}

/* Move a mean towards a shape, in parts of a length. */
static void follow(sibeat_share *mean, const float *shape, float length)
{
    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        mean[k] = share_of(moved(mean, shape, k) / length);
}

/* Add a value that is known. */
static void add_known(float *known, int *count, float value)
{
    if (!isnan(value))
        known[(*count)++] = value;
}

/* What a kind is worth, when one has to go: the logarithm of its beats, which count half after some others. */
static float worth(uint32_t count, uint32_t beats_since, float half_life)
{
    return log2f((float)count) - (float)beats_since / half_life;
}

/* Evidence: whether a beat above the threshold is to be believed, by the beats around and others of its kind */

/* The median likeness of the beats around one, dB, and that of their distance from the template; NAN if not known. */
static void look_around(const sibeat_judge *judge, int number, float *likeness, float *away)
{
    float likenesses[BACK + 1], distances[BACK + 1];
    int known = 0, scored = 0;

    for (int k = number > BACK ? number - BACK : 0; k <= number + 1 && k < judge->beat_count; k++)
        if (k != number) {
            add_known(likenesses, &known, judge->beats[k].likeness);
            add_known(distances, &scored, judge->beats[k].away);
        }
    *likeness = known ? sibeat_median(likenesses, known) : NAN;
    *away = scored ? sibeat_median(distances, scored) : NAN;
}

/* Whether the beats around are the wearer's own, the cleaner the odder the beat. */
static int is_clean(const sibeat_judge *judge, int number)
{
    const float needed = judge->beats[number].likeness < ODD ? CLEANER : CLEAN;
    float likeness, away;

    look_around(judge, number, &likeness, &away);
    return likeness >= needed && away < AWAY; /* not where one is NAN */
}

/* The median of the RR intervals before a beat; NAN if too few are known. */
static float usual_before(const sibeat_judge *judge, int number)
{
    float intervals[HISTORY];
    int known = 0;

    for (int k = number > HISTORY ? number - HISTORY : 0; k < number; k++)
        add_known(intervals, &known, judge->beats[k].rr);
    return known >= FEWEST ? sibeat_median(intervals, known) : NAN;
}

static int is_own(const sibeat_judge *judge, int number)
{
    return judge->beats[number].is_scored && !judge->beats[number].is_over;
}

/* Whether a beat has no time between the last and the next one that are below the threshold. */
static int is_crowded(const sibeat_judge *judge, int number, float usual)
{
    const int next = number + 1;

    if (next >= judge->beat_count || !is_own(judge, next) || isnan(judge->beats[next].rr) || isnan(usual))
        return 0;
    float passed = judge->beats[next].rr;
    for (int before = number - 1; before >= 0 && before >= number - REACH; before--) {
        if (isnan(judge->beats[before + 1].rr))
            return 0;
        passed += judge->beats[before + 1].rr;
        if (is_own(judge, before))
            return (float)(next - before) - passed / usual >= CROWDED;
    }
    return 0;
}

/* Forget the believed kind with the fewest recent beats; they stay in order of appearance. */
static void forget_believed(sibeat_judge *judge)
{
    float least = INFINITY;
    int rarest = 0;

    for (int k = 0; k < judge->believed_count; k++) {
        const sibeat_believed *kind = &judge->believed[k];
        const float value = worth(kind->count, judge->overs - kind->last, BELIEVED_HALF_LIFE);
        if (value < least - TIE) {
            least = value;
            rarest = k;
        }
    }
    sibeat_believed *gone = &judge->believed[rarest];
    judge->believed_count--;
    memmove(gone, gone + 1, (size_t)(judge->believed_count - rarest) * sizeof *gone);
}

/* Beats of its kind that have been believed. The beat is remembered if it is clean, if need be as a new kind. */
static uint32_t believed_of_kind(sibeat_judge *judge, const float *shape, int clean)
{
    sibeat_believed *kind = NULL;
    float most = ALIKE;

    for (int k = 0; k < judge->believed_count; k++) {
        const sibeat_share *mean = judge->believed[k].mean;
        const float size = length_of(mean), alike = product(mean, shape) / (size > 1e-9f ? size : 1e-9f);
        if (alike >= most) {
            most = alike;
            kind = &judge->believed[k];
        }
    }
    if (!clean)
        return kind ? kind->count : 0;
    if (!kind) {
        if (judge->believed_count == SIBEAT_JUDGE_BELIEVED)
            forget_believed(judge);
        kind = &judge->believed[judge->believed_count++];
        store(shape, kind->mean);
        kind->count = 0;
    }
    follow(kind->mean, shape, 1.0f);
    kind->last = judge->overs;
    return ++kind->count;
}

/* Add a beat on time, by the logarithm of its size. */
static void learn_size(sibeat_sizes *sizes, float size)
{
    if (isnan(sizes->own))
        sizes->own = size;
    sizes->spread += (fabsf(size - sizes->own) - sizes->spread) / SIZES_OWN;
    sizes->own += (size - sizes->own) / SIZES_OWN;
}

/* Add a premature beat of the wearer's own shape: whether it, and such beats, are of another size. */
static int is_of_other_size(sibeat_sizes *sizes, float size)
{
    const float least = SIZES_SPREADS * sizes->spread > SIZES_LEAST ? SIZES_SPREADS * sizes->spread : SIZES_LEAST;

    if (isnan(sizes->own))
        return 0;
    if (sizes->count < SIZES_PREMATURE)
        sizes->count++;
    sizes->premature += (size - sizes->premature) / (float)sizes->count;
    const float one = size - sizes->own, all = sizes->premature - sizes->own;
    return sizes->count >= SIZES_ENOUGH && ((one > least && all > least) || (one < -least && all < -least));
}

/* Whether a beat above the threshold is believed to be of abnormal shape. */
static int believe(sibeat_judge *judge, int number)
{
    const float usual = usual_before(judge, number);
    const int clean = is_clean(judge, number) && !is_crowded(judge, number, usual);

    judge->overs++;
    if (judge->awaiting.look.likeness >= SAME_QRS)
        return clean && judge->beats[number].rr < (1.0f - PREMATURE) * usual && /* not where one is NAN */
               is_of_other_size(&judge->sizes, judge->awaiting.look.size);
    return believed_of_kind(judge, judge->awaiting.look.shape, clean) >= BELIEVED_ENOUGH || clean;
}

/* Kinds: what is known of beats of one shape */

/* Whether a beat's shape is abnormal: by its kind, if that is known, else by its own score. */
static int is_ventricular(const sibeat_gathered *kind, float limit, int is_odd)
{
    if (!kind || kind->count < ENOUGH || kind->likeness >= OWN_KIND)
        return is_odd;
    const int is_early = kind->premature >= EARLY_KIND && kind->irregular < IRREGULAR;
    const float least = is_early && kind->premature >= EARLIER_KIND ? SHAPE_EARLY : SHAPE;
    return kind->score > limit - (is_early ? NEAR : 0.0f) && kind->shape_score > least;
}

/* Whether a shape is far enough from the wearer's own to be ventricular in a fast row, too. */
static int is_far(const sibeat_gathered *kind, float limit)
{
    return !kind || kind->likeness <= ABERRANT || kind->score >= limit + ABERRANT_SCORE;
}

static sibeat_gathered *find(sibeat_judge *judge, const float *shape, float least)
{
    sibeat_gathered *kind = NULL;

    for (int k = 0; k < judge->kind_count; k++) {
        const float alike = product(judge->kinds[k].mean, shape);
        if (alike >= least) {
            least = alike;
            kind = &judge->kinds[k];
        }
    }
    return kind;
}

/* Forget the kind with the fewest recent beats. Those that will be judged again keep what it makes of them. */
static sibeat_gathered *forget(sibeat_judge *judge)
{
    float least = INFINITY;
    int rarest = 0;

    for (int k = 0; k < SIBEAT_JUDGE_KINDS; k++) {
        const sibeat_gathered *kind = &judge->kinds[k];
        const float value = worth(kind->count, judge->clean - kind->last, HALF_LIFE);
        if (value < least - TIE || (value < least + TIE && kind->number < judge->kinds[rarest].number)) {
            least = value;
            rarest = k;
        }
    }
    for (int k = 0; k < judge->known_count; k++) {
        const int place = (judge->first_known + k) % KEPT;
        sibeat_known *known = &judge->known[place];
        if (known->kind == (unsigned)rarest) {
            const float limit = (float)judge->limits[place] / SIBEAT_LIMITS;
            known->is_odd = is_ventricular(&judge->kinds[rarest], limit, known->is_odd) != 0;
            known->is_far = is_far(&judge->kinds[rarest], limit) != 0;
            known->kind = SIBEAT_JUDGE_KIND_FORGOTTEN;
            judge->limits[place] = (sibeat_limit)(judge->kinds[rarest].number % NUMBERS);
        }
    }
    return &judge->kinds[rarest];
}

static void learn(float *mean, float value, uint32_t count)
{
    *mean += (value - *mean) / (float)(count < RECENT ? count : RECENT);
}

/* Add a clean beat to its kind, or as the first of a new one. */
static sibeat_gathered *gather(sibeat_judge *judge, float early)
{
    const sibeat_awaiting *beat = &judge->awaiting;
    sibeat_gathered *kind = find(judge, beat->look.shape, ALIKE);

    if (!kind) {
        kind = judge->kind_count < SIBEAT_JUDGE_KINDS ? &judge->kinds[judge->kind_count++] : forget(judge);
        memset(kind, 0, sizeof *kind);
        store(beat->look.shape, kind->mean);
        kind->number = judge->begun++;
    } else {
        float squares = 0.0f;
        for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
            squares += moved(kind->mean, beat->look.shape, k) * moved(kind->mean, beat->look.shape, k);
        follow(kind->mean, beat->look.shape, sqrtf(squares) > 1e-9f ? sqrtf(squares) : 1e-9f);
    }
    kind->last = ++judge->clean;
    kind->count++;
    learn(&kind->premature, early, kind->count);
    learn(&kind->score, beat->score, kind->count);
    if (beat->look.likeness < OWN_KIND && !isnan(beat->shape_score))
        learn(&kind->shape_score, beat->shape_score, kind->count);
    learn(&kind->likeness, beat->look.likeness, kind->count);
    learn(&kind->irregular, (float)sibeat_timing_is_scattered(&judge->timing), kind->count);
    return kind;
}

/* Verdicts */

static sibeat_verdict verdict_of(const sibeat_known *known, int ventricular, int far, int premature, int32_t group)
{
    sibeat_verdict verdict = {'N', 0, 0, known->is_irregular, group};

    if (ventricular && (far || !known->is_in_row)) {
        verdict.kind = 'V';
        verdict.by_shape = 1;
        verdict.by_timing = known->is_early;
    } else if (premature) {
        verdict.kind = 'S';
        verdict.by_timing = 1;
    }
    return verdict;
}

/* Share of the median of the newest RR intervals by which one is shorter; 0 if it is not known. */
static float early_by(sibeat_judge *judge, float rr)
{
    const int known = judge->intervals.count;

    if (isnan(rr))
        return 0.0f;
    const float usual = sibeat_newest_median(&judge->intervals);
    sibeat_newest_push(&judge->intervals, HISTORY, rr);
    return known >= FEWEST ? 1.0f - rr / usual : 0.0f;
}

/* The first verdict on a beat with a score, and what is to be kept of it. */
static sibeat_verdict judge_scored(sibeat_judge *judge, int number, float early, sibeat_known *known)
{
    const sibeat_neighbour *beat = &judge->beats[number];
    const sibeat_awaiting *scores = &judge->awaiting;
    const int is_believed = beat->is_over && believe(judge, number);
    float snr, away;

    look_around(judge, number, &snr, &away);
    const sibeat_gathered *kind =
        snr >= CLEAN ? gather(judge, early) : find(judge, scores->look.shape, ALIKE_IN_NOISE); /* NAN is no CLEAN */
    const int is_alone = scores->look.likeness < SAME_QRS && (!kind || kind->count < ENOUGH);
    const int is_odd = is_believed && !(is_alone && fabsf(early) < ON_TIME);
    const int ventricular = is_ventricular(kind, scores->limit, is_odd);
    const int is_of_own_kind = kind && kind->count >= ENOUGH && kind->likeness >= OWN;
    const sibeat_timed timed = {
        beat->rr,
        number + 1 < judge->beat_count ? judge->beats[number + 1].rr : NAN,
        scores->timing_score,
        (scores->look.likeness >= OWN || is_of_own_kind) && !ventricular,
        (uint8_t)ventricular,
        snr >= CALM,
    };
    const sibeat_answer answer = sibeat_timing_push(&judge->timing, &timed);
    if (timed.is_own && !answer.is_premature && answer.early < EARLY && snr >= CLEAN)
        learn_size(&judge->sizes, scores->look.size);
    const unsigned interval = sibeat_ticks_of(answer.interval);
    known->interval = (interval < MOST_INTERVAL ? interval : MOST_INTERVAL) & MOST_INTERVAL;
    known->bin = (unsigned)sibeat_timing_bin_of(answer.score) & 63u;
    known->kind = kind ? (unsigned)(kind - judge->kinds) & 15u : SIBEAT_JUDGE_NO_KIND;
    known->is_scored = 1;
    known->is_odd = is_odd != 0;
    known->is_fit = answer.is_fit != 0;
    known->is_certain = answer.is_certain != 0;
    known->is_in_row = answer.is_in_row != 0;
    known->is_early = answer.early > EARLY;
    known->is_irregular = sibeat_timing_is_irregular(&judge->timing) != 0;
    return verdict_of(known, ventricular, is_far(kind, scores->limit), answer.is_premature, kind ? kind->number : -1);
}

static sibeat_limit limit_of(float limit)
{
    const float most = SIBEAT_LIMITS * 7.99f, scaled = SIBEAT_LIMITS * limit;

    if (!(scaled < most))
        return (sibeat_limit)most;
    return (sibeat_limit)rintf(scaled > -most ? scaled : -most);
}

/* The first verdict on the beat of this number. */
static sibeat_verdict judge_first(sibeat_judge *judge, int number)
{
    const float early = early_by(judge, judge->beats[number].rr);
    sibeat_verdict verdict = {0, 0, 0, 0, -1};
    sibeat_known known = {0};

    if (judge->beats[number].is_scored) {
        verdict = judge_scored(judge, number, early, &known);
    } else {
        known.kind = SIBEAT_JUDGE_NO_KIND;
        sibeat_timing_push(&judge->timing, 0);
    }
    if (judge->known_count == KEPT) { /* nobody asks for last verdicts */
        judge->first_known = (uint16_t)((judge->first_known + 1) % KEPT);
        judge->known_count--;
    }
    const int place = (judge->first_known + judge->known_count++) % KEPT;
    judge->known[place] = known;
    judge->limits[place] = limit_of(judge->awaiting.limit);
    return verdict;
}

/* The last verdict on a beat with a score. */
static sibeat_verdict judge_last(const sibeat_judge *judge, const sibeat_known *known, sibeat_limit kept)
{
    const float limit = (float)kept / SIBEAT_LIMITS, score = sibeat_timing_score_of((int)known->bin);
    const float interval = sibeat_seconds_of((uint16_t)known->interval);
    const sibeat_answer answer = {0.0f, score, interval, 0, known->is_fit, known->is_certain, 0};
    const int premature = sibeat_timing_confirm(&judge->timing, &answer);

    if (known->kind == SIBEAT_JUDGE_KIND_FORGOTTEN) {
        const int32_t newer = (judge->begun - (int32_t)kept) % NUMBERS; /* kinds begun since, that many at most */
        return verdict_of(known, known->is_odd, known->is_far, premature, judge->begun - newer);
    }
    const sibeat_gathered *kind = known->kind < SIBEAT_JUDGE_KINDS ? &judge->kinds[known->kind] : NULL;
    return verdict_of(known, is_ventricular(kind, limit, known->is_odd), is_far(kind, limit), premature,
                      kind ? kind->number : -1);
}

int sibeat_judge_settle(sibeat_judge *judge, int at_end, sibeat_verdict *verdict)
{
    const int place = judge->first_known;
    const sibeat_verdict none = {0, 0, 0, 0, -1};

    if (judge->known_count <= (at_end ? 0 : SIBEAT_JUDGE_LATER))
        return 0;
    judge->first_known = (uint16_t)((place + 1) % KEPT);
    judge->known_count--;
    *verdict = judge->known[place].is_scored ? judge_last(judge, &judge->known[place], judge->limits[place]) : none;
    return 1;
}

int sibeat_judge_look(const sibeat_judge *judge, const float *window, const float *own, float *work, sibeat_look *look)
{
    if (judge->length < 1 || !window || !own)
        return 0;
    const sibeat_view view = sibeat_view_of(window, own, judge->centre, judge->length, judge->leads);

    return sibeat_look_at(&view, work, look);
}

int sibeat_judge_needs_shape(const sibeat_look *look)
{
    return look->likeness < OWN_KIND;
}

/* What is no number would stay in the means of kinds and intervals for ever: it counts as not known. */
static float known(float value)
{
    return isfinite(value) ? value : NAN;
}

static float known_interval(float rr)
{
    return rr > 0.0f && rr < LONGEST ? rr : NAN;
}

/* Keep of a beat with a score what its verdict needs. */
static void await(sibeat_judge *judge, const sibeat_seen *beat)
{
    sibeat_awaiting *awaiting = &judge->awaiting;

    awaiting->look = *beat->look;
    awaiting->score = beat->score;
    awaiting->timing_score = beat->timing_score;
    awaiting->shape_score = known(beat->shape_score);
    awaiting->limit = beat->limit;
}

static int has_score(const sibeat_seen *beat)
{
    return beat->look && isfinite(beat->score) && isfinite(beat->timing_score) && isfinite(beat->limit);
}

int sibeat_judge_push(sibeat_judge *judge, const sibeat_seen *beat, sibeat_verdict *verdict)
{
    const int was_waiting = judge->is_waiting;
    sibeat_neighbour newest = {known_interval(beat->rr), known(beat->likeness), NAN, 0, 0};

    if (judge->length < 1)
        return 0;
    const int is_scored = has_score(beat);
    newest.is_scored = (uint8_t)is_scored;
    if (is_scored) {
        newest.away = beat->look->away;
        newest.is_over = beat->is_over != 0;
    }
    if (judge->beat_count == HISTORY + 2)
        memmove(judge->beats, judge->beats + 1, --judge->beat_count * sizeof newest);
    judge->beats[judge->beat_count++] = newest;
    if (was_waiting)
        *verdict = judge_first(judge, judge->beat_count - 2);
    if (is_scored)
        await(judge, beat);
    judge->is_waiting = 1;
    return was_waiting;
}

int sibeat_judge_finish(sibeat_judge *judge, sibeat_verdict *verdict)
{
    if (!judge->is_waiting)
        return 0;
    *verdict = judge_first(judge, judge->beat_count - 1);
    judge->is_waiting = 0;
    return 1;
}
