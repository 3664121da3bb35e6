"""Names of the keypoints of models whose files only count them."""

BODY_25 = (
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee "
    "LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"
).split()
BODY_25B = (
    "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee "
    "RKnee LAnkle RAnkle UpperNeck HeadTop LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"
).split()
COCO_18 = (
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle "
    "REye LEye REar LEar"
).split()
MPI_15 = (
    "Head Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle "
    "Chest"
).split()
MPII_16 = (
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck "
    "head_top right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"
).split()
COCO_17 = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
).split()
HALPE_26 = [
    *COCO_17,
    *(
        "head neck hip left_big_toe right_big_toe left_small_toe right_small_toe left_heel "
        "right_heel"
    ).split(),
]
COCO_FEET = "left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel".split()


def _numbered(part: str, count: int) -> list[str]:
    return [f"{part}_{i:02d}" for i in range(count)]


FACE_AND_HANDS = [
    *_numbered("face", 68),
    *_numbered("hand_left", 21),
    *_numbered("hand_right", 21),
]
HALPE_136 = [*HALPE_26, *FACE_AND_HANDS]
WHOLE_BODY_133 = [*COCO_17, *COCO_FEET, *FACE_AND_HANDS]
BY_COUNT = {
    len(names): tuple(names)
    for names in (
        BODY_25, COCO_18, MPI_15, MPII_16, COCO_17, HALPE_26, HALPE_136, WHOLE_BODY_133
    )
}  # fmt: skip


def names_of(count: int, otherwise: str = "keypoint") -> tuple[str, ...]:
    """Return the names of the known skeleton of so many keypoints, else numbered ones."""
    return BY_COUNT.get(count, tuple(_numbered(otherwise, count)))
