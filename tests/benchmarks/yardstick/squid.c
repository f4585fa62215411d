/* The exact method of stochhh/kernels/exact.py, by hand, for the squid membrane alone.
 *
 * Six rate classes, 13 states, 28 transitions, all known to the compiler. The voltage is an exact
 * exponential between events; transition times are thinned against bounds within voltage bands.
 * Rates come from the formulas of Hodgkin & Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764), so
 * that nothing but the idea is shared with the program. No charge is booked, no channel tagged,
 * nothing checked. Units: mV, ms, pF, nS, pA.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { M_UP, M_DOWN, H_UP, H_DOWN, N_UP, N_DOWN, CLASSES };
enum { STATES = 13, EDGES = 28, NA_OPEN = 7, K_OPEN = 12, MOST_BANDS = 4096, LEVELS = 256 };
/* states: m0h0 m0h1 m1h0 m1h1 m2h0 m2h1 m3h0 m3h1 n0 n1 n2 n3 n4 */

typedef struct {
    int source, target, multiplicity, touches;
    int touched[4];
    double change[4];
} Edge;

typedef struct {
    double upper[CLASSES], inverse[CLASSES], ratio[CLASSES];
} Band;

static Edge edges[EDGES];
static int first[CLASSES + 1];
static Band bands[MOST_BANDS];
static double level_y[LEVELS], layer_width[LEVELS];
static uint64_t layer_inside[LEVELS];
static const double tail = 7.69711747013104972;

/* ---------------------------------------------------------------- randomness */

typedef struct {
    uint64_t s[4];
} Random;

static inline uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

/* xoshiro256++ (Blackman & Vigna 2021, doi:10.1145/3460772) */
static inline uint64_t next(Random *random) {
    uint64_t *s = random->s, result = rotate(s[0] + s[3], 23) + s[0], shifted = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

static inline double uniform(Random *random) { return (double)(int64_t)(next(random) >> 11) * 0x1p-53; }

static Random seeded(uint64_t seed) { /* by splitmix64 */
    Random random;
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        random.s[i] = z ^ (z >> 31);
    }
    return random;
}

/* 256 layers of equal area under exp(-x) (Marsaglia & Tsang 2000, doi:10.18637/jss.v005.i08) */
static void build_ziggurat(void) {
    const double area = 0.0039496598225815571993;
    double x = tail;
    level_y[0] = exp(-tail);
    layer_width[0] = area * exp(tail) * 0x1p-53, layer_inside[0] = (uint64_t)(tail / layer_width[0]);
    for (int i = 1; i < LEVELS; i++) {
        double y = level_y[i-1] + area / x, inner = i == LEVELS - 1 ? 0.0 : -log(y);
        layer_width[i] = x * 0x1p-53, layer_inside[i] = (uint64_t)(inner / layer_width[i]);
        level_y[i] = i == LEVELS - 1 ? 1.0 : y, x = inner;
    }
}

static double unlikely_exponential(Random *random, int i, double x);

static inline double exponential(Random *random) {
    uint64_t bits = next(random), magnitude = bits >> 11;
    int i = bits & (LEVELS - 1);
    double x = (double)(int64_t)magnitude * layer_width[i];
    return magnitude < layer_inside[i] ? x : unlikely_exponential(random, i, x);
}

static double unlikely_exponential(Random *random, int i, double x) {
    if (i == 0) return tail + exponential(random); /* the tail of an exponential is one */
    double y = level_y[i - 1] + uniform(random) * (level_y[i] - level_y[i - 1]);
    return y < exp(-x) ? x : exponential(random);
}

/* -------------------------------------------------------------------- tables */

static double linoid(double rate, double x) {
    return fabs(x) < 1e-6 ? rate * (1.0 + 0.5 * x) : rate * x / -expm1(-x);
}

static double rate_of(int class, double V) {
    switch (class) {
    case M_UP: return linoid(1.0, (V + 40.0) / 10.0);
    case M_DOWN: return 4.0 * exp(-(V + 65.0) / 18.0);
    case H_UP: return 0.07 * exp(-(V + 65.0) / 20.0);
    case H_DOWN: return 1.0 / (1.0 + exp(-(V + 35.0) / 10.0));
    case N_UP: return linoid(0.1, (V + 55.0) / 10.0);
    default: return 0.125 * exp(-(V + 65.0) / 80.0);
    }
}

static double leaving(int state, int class) { /* multiplicity with which a state counts */
    int m = state >> 1, h = state & 1, n = state - 8;
    switch (class) {
    case M_UP: return state < 8 ? 3 - m : 0;
    case M_DOWN: return state < 8 ? m : 0;
    case H_UP: return state < 8 ? 1 - h : 0;
    case H_DOWN: return state < 8 ? h : 0;
    case N_UP: return state < 8 ? 0 : 4 - n;
    default: return state < 8 ? 0 : n;
    }
}

static void build_edges(void) {
    const int step[CLASSES] = {2, -2, 1, -1, 1, -1};
    int n = 0;
    for (int class = 0; class < CLASSES; class++) {
        first[class] = n;
        for (int state = 0; state < STATES; state++) {
            if (leaving(state, class) == 0.0) continue;
            Edge *edge = &edges[n++];
            edge->source = state, edge->target = state + step[class];
            edge->multiplicity = leaving(state, class), edge->touches = 0;
            for (int other = 0; other < CLASSES; other++) {
                double change = leaving(edge->target, other) - leaving(state, other);
                if (change == 0.0) continue;
                edge->touched[edge->touches] = other;
                edge->change[edge->touches++] = change;
            }
        }
    }
    first[CLASSES] = n;
}

static void build_bands(double lowest, double width, int n) {
    for (int b = 0; b < n; b++)
        for (int class = 0; class < CLASSES; class++) { /* every rate is monotone */
            double at_low = rate_of(class, lowest + b * width);
            double at_high = rate_of(class, lowest + (b + 1) * width);
            double upper = fmax(at_low, at_high) * (1.0 + 1e-9);
            bands[b].upper[class] = upper, bands[b].inverse[class] = 1.0 / upper;
            bands[b].ratio[class] = fmin(at_low, at_high) * (1.0 - 1e-9) / upper;
        }
}

/* ---------------------------------------------------------------- simulation */

static inline double relaxation(double x) { /* (1 - exp(-x)) / x */
    if (x < 0.03) return 1 - x * (1 / 2. - x * (1 / 6. - x * (1 / 24. - x * (1 / 120. - x * (1 / 720.)))));
    return -expm1(-x) / x;
}

static inline double sum(const double *upper, const double *weight, double *propensity) {
    double total = 0.0;
    for (int class = 0; class < CLASSES; class++) total += propensity[class] = upper[class] * weight[class];
    return total;
}

/* Fill `samples` (n, 3) with voltage, open Na+ and open K+ channels every `interval`; return spikes.
 * `occupancy` (13) is where the channels start and, after, end; `counts` gets transitions,
 * rejected candidates and band crossings. Returns -1 if the voltage left -120..100 mV. */
int64_t simulate(uint64_t seed, double area, double current, double duration, double width,
                 int64_t *occupancy, double interval, int64_t n, double *samples, int64_t *counts) {
    const double lowest = -120.0, per_capacitance = 1.0 / (0.01 * area);
    const double unitary = 0.02, leak = 0.003 * area, E_na = 50.0, E_k = -77.0, E_leak = -54.4;
    const int n_bands = (int)ceil(220.0 / width), threshold = (int)floor(-lowest / width + 0.5);
    const int rearm = (int)floor((-30.0 - lowest) / width + 0.5);
    build_ziggurat(), build_edges(), build_bands(lowest, width, n_bands);

    Random random = seeded(seed);
    double weight[CLASSES] = {0}, propensity[CLASSES];
    for (int state = 0; state < STATES; state++)
        for (int class = 0; class < CLASSES; class++)
            weight[class] += leaving(state, class) * (double)occupancy[state];
    double t = 0.0, V = -65.0;
    double G = leak + unitary * (double)(occupancy[NA_OPEN] + occupancy[K_OPEN]);
    double drive = leak * E_leak + unitary * (E_na * (double)occupancy[NA_OPEN] + E_k * (double)occupancy[K_OPEN]);
    double k = G * per_capacitance, due = drive + current * area * 0.01;
    int band = (int)((V - lowest) / width), armed = 1;
    double low = lowest + band * width, high = low + width;
    const Band *here = &bands[band];
    double A = sum(here->upper, weight, propensity), hazard = exponential(&random);
    double sample_time = 0.0;
    int64_t sample = 0, spikes = 0, transitions = 0, rejected = 0, crossings = 0;

    for (;;) {
        double wait = hazard / A;
        int finishing = t + wait >= duration;
        if (finishing) wait = duration - t;
        double slope = (due - G * V) * per_capacitance;
        double reached = V + slope * wait * relaxation(k * wait);
        int rising = reached > high, at_edge = rising || reached < low;
        if (at_edge) {
            reached = rising ? high : low;
            double until = -log1p(-k * (reached - V) / slope) / k;
            wait = until < 0.0 ? 0.0 : until < wait ? until : wait;
            finishing = 0;
        }
        double arrival = finishing ? duration : t + wait;
        while (sample_time <= arrival && sample < n) {
            double elapsed = sample_time - t, *row = samples + 3 * sample;
            row[0] = V + slope * elapsed * relaxation(k * elapsed);
            row[1] = (double)occupancy[NA_OPEN], row[2] = (double)occupancy[K_OPEN];
            sample_time = (double)++sample * interval;
        }
        t = arrival, V = reached;
        if (at_edge) {
            crossings++;
            hazard = fmax(hazard - A * wait, 0.0);
            band += rising ? 1 : -1;
            if (band < 0 || band == n_bands) return -1;
            if (rising && band == threshold && armed) spikes++, armed = 0;
            if (!rising && band + 1 == rearm) armed = 1;
            low = lowest + band * width, high = low + width;
            here = &bands[band];
            A = sum(here->upper, weight, propensity);
            continue;
        }
        if (finishing) break;

        /* the rate class, what is left of the uniform within it, and the transition */
        hazard = exponential(&random);
        double u = uniform(&random) * A;
        int class = 0;
        while (u >= propensity[class] && class < CLASSES - 1) u -= propensity[class++];
        u *= here->inverse[class];
        if (u >= weight[class]) {
            rejected++;
            continue;
        }
        int64_t whole = (int64_t)u;
        double fraction = u - (double)whole;
        if (fraction >= here->ratio[class] && fraction >= rate_of(class, V) * here->inverse[class]) {
            rejected++;
            continue;
        }
        const Edge *edge = &edges[first[class]];
        while (whole >= edge->multiplicity * occupancy[edge->source]) {
            whole -= edge->multiplicity * occupancy[edge->source];
            edge++;
        }

        transitions++;
        int i = edge->source, j = edge->target;
        occupancy[i]--, occupancy[j]++;
        for (int touched = 0; touched < edge->touches; touched++) {
            int other = edge->touched[touched];
            weight[other] += edge->change[touched];
            A += here->upper[other] * edge->change[touched];
            propensity[other] = here->upper[other] * weight[other];
        }
        if (i == NA_OPEN || i == K_OPEN || j == NA_OPEN || j == K_OPEN) {
            double opened = j == NA_OPEN || j == K_OPEN ? unitary : -unitary;
            G += opened;
            due += opened * (i == NA_OPEN || j == NA_OPEN ? E_na : E_k);
            k = G * per_capacitance;
        }
    }
    counts[0] = transitions, counts[1] = rejected, counts[2] = crossings;
    return spikes;
}
