from jobs.runtime.beam import do_not_sample

do_not_sample()
