TITLE K+ channels of the squid axon, followed one transition at a time

COMMENT
Gillespie's method at the rates of the voltage at the end of each time step.
up and down count the gates that may open and close.
ENDCOMMENT

NEURON {
    POINT_PROCESS GillespieK
    NONSPECIFIC_CURRENT i
    RANGE count, conductance, e, opened
    RANDOM rng
}

UNITS { (mV) = (millivolt) (nA) = (nanoamp) (uS) = (microsiemens) }

PARAMETER {
    count = 1
    conductance = 2e-5 (uS)
    e = -77 (mV)
}

ASSIGNED {
    v (mV)
    dt (ms)
    i (nA)
    n[5]
    up
    down
    opened
}

INITIAL {
    LOCAL k, c, p, u, edge, s
    p = an(v) / (an(v) + bn(v))
    FROM k = 0 TO 4 { n[k] = 0 }
    c = 0
    WHILE (c < count) {
        s = 0
        FROM k = 0 TO 3 {
            u = random_uniform(rng)
            if (u < p) { s = s + 1 }
        }
        n[s] = n[s] + 1
        c = c + 1
    }
    up = 4*n[0] + 3*n[1] + 2*n[2] + n[3]
    down = n[1] + 2*n[2] + 3*n[3] + 4*n[4]
    opened = n[4]
}

BREAKPOINT {
    SOLVE follow METHOD after_cvode
    i = conductance * opened * (v - e)
}

PROCEDURE follow() {
    LOCAL a, b, left, total, x, k
    a = an(v)
    b = bn(v)
    total = a*up + b*down
    left = dt + log(1 - random_uniform(rng)) / total
    WHILE (left > 0) {
        x = random_uniform(rng) * total
        if (x < a*up) {
            x = x / a - 4*n[0]
            k = 0
            WHILE (x >= 0 && k < 3) {
                k = k + 1
                x = x - (4 - k)*n[k]
            }
            n[k] = n[k] - 1
            n[k+1] = n[k+1] + 1
            up = up - 1
            down = down + 1
        } else {
            x = (x - a*up) / b - n[1]
            k = 1
            WHILE (x >= 0 && k < 4) {
                k = k + 1
                x = x - k*n[k]
            }
            n[k] = n[k] - 1
            n[k-1] = n[k-1] + 1
            up = up + 1
            down = down - 1
        }
        total = a*up + b*down
        left = left + log(1 - random_uniform(rng)) / total
    }
    opened = n[4]
}

FUNCTION an(v (mV)) (/ms) {
    LOCAL x
    x = (v + 55) / 10
    if (fabs(x) < 1e-6) { an = 0.1 * (1 + x/2) } else { an = 0.1 * x / (1 - exp(-x)) }
}

FUNCTION bn(v (mV)) (/ms) { bn = 0.125 * exp(-(v + 65) / 80) }
