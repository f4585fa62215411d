TITLE Na+ channels of the squid axon, followed one transition at a time

COMMENT
Gillespie's method at the rates of the voltage at the end of each time step.
State m + 4 h has m open activation gates and h open inactivation gates.
mup, mdown, hup and hdown count the gates that may open and close.
ENDCOMMENT

NEURON {
    POINT_PROCESS GillespieNa
    NONSPECIFIC_CURRENT i
    RANGE count, conductance, e, opened
    RANDOM rng
}

UNITS { (mV) = (millivolt) (nA) = (nanoamp) (uS) = (microsiemens) }

PARAMETER {
    count = 1
    conductance = 2e-5 (uS)
    e = 50 (mV)
}

ASSIGNED {
    v (mV)
    dt (ms)
    i (nA)
    n[8]
    mup
    mdown
    hup
    hdown
    opened
}

INITIAL {
    LOCAL k, c, p, q, u, s
    p = am(v) / (am(v) + bm(v))
    q = ah(v) / (ah(v) + bh(v))
    FROM k = 0 TO 7 { n[k] = 0 }
    c = 0
    WHILE (c < count) {
        s = 0
        u = random_uniform(rng)
        if (u < q) { s = 4 }
        FROM k = 0 TO 2 {
            u = random_uniform(rng)
            if (u < p) { s = s + 1 }
        }
        n[s] = n[s] + 1
        c = c + 1
    }
    mup = 3*(n[0] + n[4]) + 2*(n[1] + n[5]) + n[2] + n[6]
    mdown = n[1] + n[5] + 2*(n[2] + n[6]) + 3*(n[3] + n[7])
    hup = n[0] + n[1] + n[2] + n[3]
    hdown = n[4] + n[5] + n[6] + n[7]
    opened = n[7]
}

BREAKPOINT {
    SOLVE follow METHOD after_cvode
    i = conductance * opened * (v - e)
}

PROCEDURE follow() {
    LOCAL a, b, c, d, left, total, x, k, w
    a = am(v)
    b = bm(v)
    c = ah(v)
    d = bh(v)
    total = a*mup + b*mdown + c*hup + d*hdown
    left = dt + log(1 - random_uniform(rng)) / total
    WHILE (left > 0) {
        x = random_uniform(rng) * total
        if (x < a*mup) {
            x = x / a - 3*n[0]
            k = 0
            WHILE (x >= 0 && k < 6) {
                k = k + 1
                if (k == 3) { k = 4 }
                if (k < 4) { w = 3 - k } else { w = 7 - k }
                x = x - w*n[k]
            }
            n[k] = n[k] - 1
            n[k+1] = n[k+1] + 1
            mup = mup - 1
            mdown = mdown + 1
        } else if (x < a*mup + b*mdown) {
            x = (x - a*mup) / b - n[1]
            k = 1
            WHILE (x >= 0 && k < 7) {
                k = k + 1
                if (k == 4) { k = 5 }
                if (k < 4) { w = k } else { w = k - 4 }
                x = x - w*n[k]
            }
            n[k] = n[k] - 1
            n[k-1] = n[k-1] + 1
            mup = mup + 1
            mdown = mdown - 1
        } else if (x < a*mup + b*mdown + c*hup) {
            x = (x - a*mup - b*mdown) / c - n[0]
            k = 0
            WHILE (x >= 0 && k < 3) {
                k = k + 1
                x = x - n[k]
            }
            n[k] = n[k] - 1
            n[k+4] = n[k+4] + 1
            hup = hup - 1
            hdown = hdown + 1
        } else {
            x = (x - a*mup - b*mdown - c*hup) / d - n[4]
            k = 4
            WHILE (x >= 0 && k < 7) {
                k = k + 1
                x = x - n[k]
            }
            n[k] = n[k] - 1
            n[k-4] = n[k-4] + 1
            hup = hup + 1
            hdown = hdown - 1
        }
        total = a*mup + b*mdown + c*hup + d*hdown
        left = left + log(1 - random_uniform(rng)) / total
    }
    opened = n[7]
}

FUNCTION am(v (mV)) (/ms) {
    LOCAL x
    x = (v + 40) / 10
    if (fabs(x) < 1e-6) { am = 1 + x/2 } else { am = x / (1 - exp(-x)) }
}

FUNCTION bm(v (mV)) (/ms) { bm = 4 * exp(-(v + 65) / 18) }

FUNCTION ah(v (mV)) (/ms) { ah = 0.07 * exp(-(v + 65) / 20) }

FUNCTION bh(v (mV)) (/ms) { bh = 1 / (1 + exp(-(v + 35) / 10)) }
