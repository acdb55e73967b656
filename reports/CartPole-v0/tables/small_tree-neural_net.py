def policy(cart_position, cart_velocity, pole_angle, pole_angular_velocity, desired_return, desired_horizon):
    # Actions: 0 push left, 1 push right.
    # Inputs: cart_position in m, cart_velocity in m/s, pole_angle in rad, pole_angular_velocity in
    # rad/s, desired_return in reward, desired_horizon in steps.
    if pole_angular_velocity <= 0.007999999914318323:  # 0.008 rad/s
        if pole_angular_velocity <= -0.05300000123679638:  # -0.053 rad/s
            return 0  # push left
        else:
            if pole_angle <= 0.013300000224262476:  # 0.0133 rad
                return 0  # push left
            else:
                if cart_velocity <= 0.7349999845027922:  # 0.735 m/s
                    return 1  # push right
                else:
                    return 0  # push left
    else:
        if desired_return <= 20.500000953674316:  # 20.5 reward
            if pole_angular_velocity <= 0.5679999887943268:  # 0.568 rad/s
                if pole_angle <= 0.15280000120401382:  # 0.1528 rad
                    return 0  # push left
                else:
                    if pole_angular_velocity <= 0.45299999415874476:  # 0.453 rad/s
                        if pole_angle <= 0.20529999583959577:  # 0.2053 rad
                            if desired_horizon <= 4.500000238418579:  # 4.5 steps
                                return 0  # push left
                            else:
                                return 1  # push right
                        else:
                            return 1  # push right
                    else:
                        if desired_return <= -0.19999999552965167:  # -0.2 reward
                            return 0  # push left
                        else:
                            return 1  # push right
            else:
                if desired_return <= -0.7999999821186067:  # -0.8 reward
                    return 0  # push left
                else:
                    return 1  # push right
        else:
            if pole_angular_velocity <= 0.06799999997019766:  # 0.068 rad/s
                if pole_angle <= 0.0034999999916180964:  # 0.0035 rad
                    return 0  # push left
                else:
                    return 1  # push right
            else:
                return 1  # push right
