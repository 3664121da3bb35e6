"""``mvboot predict``: fields or keypoints of a capture's pictures by a trained network."""

from mvboot.commands.from_settings import Asked, command
from mvboot.errors import InputError
from mvboot.stages.settings.predict import PredictKeypointsSettings, PredictSettings


@command(PredictKeypointsSettings, "mvboot predict", common=("overwrite", "dry_run", "as_json"))
def predict(asked: Asked[PredictKeypointsSettings]) -> None:
    """Say which point of the template pixels show, or where keypoints are: as the model learned."""
    from mvboot.stages.predict_fields import PredictFields, kind_of
    from mvboot.stages.predict_keypoints import PredictKeypoints

    settings = asked.settings()
    if kind_of(settings.model) == "keypoints":
        asked.run(PredictKeypoints())
        return
    sparse = PredictKeypointsSettings.model_fields.keys() - PredictSettings.model_fields.keys()
    given = sorted(name for name in sparse if asked.given[name])
    if given:
        option = given[0].replace("_", "-")
        raise InputError(f"--{option} is for models of keypoints; this one predicts fields")
    asked.run(PredictFields())
