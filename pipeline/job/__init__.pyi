from .inputs import examples_of as examples_of, hash_of_code as hash_of_code
from .prepare import Progress as Progress, prepared as prepared
from .runs import Done as Done, Job as Job, model_of as model_of, stage_run as stage_run
from .subset_trial import Trial as Trial, ab as ab
